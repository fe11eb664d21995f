import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type EmbeddedClientCredentials,
  openClientCredentials,
} from '../../../../adapters/embedded/identity/client-credentials.ts';
import { type EmbeddedIdentity, openIdentity } from '../../../../adapters/embedded/identity/identity.ts';
import { loadIdentitySecrets } from '../../../../adapters/embedded/identity/identity-secrets.ts';
import { createRealms, type Realms } from '../../../../adapters/embedded/identity/oidc/realms.ts';
import { createPasswords } from '../../../../adapters/embedded/identity/passwords.ts';
import { type EmbeddedMailer, openMailer } from '../../../../adapters/embedded/mail/mailer.ts';
import { openTable, type SqliteTable } from '../../../../adapters/embedded/store/table.ts';
import { systemClock, systemRandom } from '../../../../adapters/shared/clock.ts';
import type { TenantClaims } from '../../../../core/identity/tenant-claims.ts';
import { createMailLimits } from '../../../../core/identity/users/mail-limits.ts';
import type { Clock } from '../../../../core/ports/clock.ts';
import type { RealmId } from '../../../../core/ports/identity.ts';
import { closeServer, listen } from '../../../support/http-server.ts';
import { recordingLog } from '../../../support/recording-log.ts';

export const ACME = 'acme0000000000000000000001';
export const GLOBEX = 'globex00000000000000000001';
export const INITECH = 'initech0000000000000000001';

/** Realms as in the platform: with a real store and a real HTTP server on its own port. */
export interface RealmServer {
  readonly url: string;
  readonly table: SqliteTable;
  readonly identity: EmbeddedIdentity;
  readonly credentials: EmbeddedClientCredentials;
  readonly mailer: EmbeddedMailer;
  readonly realms: Realms;
  addTenant(tenantId: string, claims: TenantClaims): void;
  /** Changes the record of a tenant. */
  changeTenant(tenantId: string, change: Partial<TenantClaims>): void;
  /** All lines logged so far. */
  readonly logged: string[];
  /** Moves the clock forward. */
  advance(ms: number): void;
  issuer(realm: string): string;
  /**
   * Creates a user with an address of its own, which is also the name, so that limits per user do not add up over tests.
   * @param user.password @default - the user is invited
   */
  newUser(user?: NewRealmUser): Promise<string>;
  /** The temporary password in the newest mail to this address. */
  invitedPassword(email: string): Promise<string>;
  close(): Promise<void>;
}

export interface NewRealmUser {
  /** @default 'TenantUser' */
  readonly role?: string;
  /** @default ACME */
  readonly tenantId?: string;
  /** @default 'pool' */
  readonly realm?: RealmId;
  readonly password?: string;
}

/** @param options.logN cost of password hashes. @default - that of the platform */
export async function startRealmServer(options: { readonly logN?: number } = {}): Promise<RealmServer> {
  const dir = await mkdtemp(join(tmpdir(), 'tierplane-identity-'));
  let ahead = 0;
  let users = 0;
  const clock: Clock = {
    ...systemClock,
    now: () => Date.now() + ahead,
    // Limits and lock-outs pass only when a test advances the clock, however slow the machine is.
    monotonic: () => ahead,
  };
  const logged: string[] = [];
  const log = recordingLog(logged);
  const table = openTable({ file: join(dir, 'platform.db'), clock });
  const random = systemRandom;

  let realms: Realms | undefined;
  const server = createServer((req, res) => void realms?.handler(req, res));
  const { url } = await listen(server);

  const secrets = await loadIdentitySecrets(table, random);
  const passwords = createPasswords({ temporaryKey: secrets.temporaryKey, clock, random, ...options });
  const mailer = openMailer({ table, clock, random, log });
  const identity = openIdentity({
    table,
    mailer,
    mailLimits: createMailLimits(clock),
    passwords,
    clock,
    random,
    publicUrl: url,
  });
  const credentials = openClientCredentials({ table, clock, random });
  const tenants = new Map<string, TenantClaims>([
    [ACME, { tier: 'basic', active: true, name: 'Acme Inc.', slug: 'acme-inc', basis: [] }],
    [GLOBEX, { tier: 'advanced', active: true, name: 'Globex', slug: 'globex', basis: [] }],
    [INITECH, { tier: 'premium', active: true, name: 'Initech', slug: 'initech', basis: [] }],
  ]);
  realms = createRealms({
    table,
    identity,
    mailer,
    passwords,
    secrets,
    credentials,
    clock,
    random,
    log,
    publicUrl: url,
    tenantClaims: async (tenantId) => tenants.get(tenantId),
    tenantNameOf: async (slug) => [...tenants.values()].find((one) => one.slug === slug)?.name,
    adminClients: [
      {
        clientId: 'sbt-admin',
        redirectUris: ['http://localhost:4200/dashboard'],
        postLogoutRedirectUris: ['http://localhost:4200/'],
      },
    ],
    corsOrigins: ['http://localhost:4200'],
  });
  await identity.ensureRealm({ id: 'admin', displayName: 'Tierplane administration' });
  await identity.ensureRealm({ id: 'pool', displayName: 'Tierplane' });
  await identity.ensureRealm({ id: `tenant-${INITECH}`, displayName: 'Initech', tenantId: INITECH });

  return {
    url,
    table,
    identity,
    credentials,
    mailer,
    realms,
    addTenant: (tenantId, claims) => void tenants.set(tenantId, claims),
    changeTenant(tenantId, change) {
      const before = tenants.get(tenantId);
      if (before) tenants.set(tenantId, { ...before, ...change });
    },
    logged,
    advance(ms) {
      ahead += ms;
    },
    issuer: (realm) => `${url}/realms/${realm}`,
    async newUser({ realm = 'pool', ...user } = {}) {
      const email = `user${++users}@acme.example`;
      await identity.createUser(realm, { userName: email, email, role: 'TenantUser', tenantId: ACME, ...user });
      return email;
    },
    async invitedPassword(email) {
      const { items } = await mailer.list({ limit: 100 });
      const text = items.find((mail) => mail.to === email)?.text ?? '';
      return /Temporary password: (\S+)/.exec(text)?.[1] ?? '';
    },
    async close() {
      await closeServer(server);
      await mailer.close();
      await table.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** The parameters of an authorization request that the identity provider accepts. */
export const AUTHORIZATION = {
  client_id: 'tierplane-cli',
  response_type: 'code',
  scope: 'openid',
  code_challenge: 'x'.repeat(43),
  code_challenge_method: 'S256',
  redirect_uri: 'http://127.0.0.1/callback',
} as const;
