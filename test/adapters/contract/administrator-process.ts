import { createInterface } from 'node:readline';
import { isDomainError } from '../../../core/errors.ts';
import type { VerifiedToken } from '../../../core/identity/authorize.ts';
import { openTenantUsers } from '../../../core/identity/users/tenant-users.ts';
import type { Identity } from '../../../core/ports/identity.ts';

/** One administrator gives up the own role, at a moment that two processes share. */
export interface Demotion {
  readonly tenantId: string;
  readonly userName: string;
  readonly subject: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

const POOL = { id: 'pool', displayName: 'Pool' } as const;

/** The body of a process: reads a Demotion per line of standard input, and prints `done` or the code of the error. */
export async function serveDemotions(identity: Identity): Promise<void> {
  process.stdout.write('ready\n');
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(`${await demote(identity, JSON.parse(line))}\n`);
  }
}

async function demote(identity: Identity, { tenantId, userName, subject, at }: Demotion): Promise<string> {
  const claims = { tier: 'basic', active: true, name: 'Acme', slug: 'acme', basis: [] } as const;
  const token: VerifiedToken = {
    ...{ issuer: 'x', realm: 'pool', subject, clientId: 'app', scopes: [], tenantId },
    ...{ issuedAt: Number.MAX_SAFE_INTEGER, expiresAt: Number.MAX_SAFE_INTEGER },
  };
  const users = await openTenantUsers({ identity, tenantClaims: async () => claims }, POOL, token);
  // A timer would be too coarse.
  while (Date.now() < at);
  try {
    await users.change(userName, { role: 'TenantUser' });
    return 'done';
  } catch (error) {
    return isDomainError(error) ? error.code : String(error);
  }
}
