import { existsSync, rmSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { signIn } from '../../adapters/embedded/oidc-client.ts';
import { DomainError } from '../../core/errors.ts';
import { CLI_CLIENT } from '../../core/identity/issuers.ts';
import type { TierName } from '../../core/tenant/tiers.ts';
import { newPassword } from './config.ts';
import { type DataDir, readJson, writePrivate } from './data-dir.ts';
import type { Urls } from './running.ts';

/** The demo tenants: one a tier. Their admins' passwords are made anew for each platform. */
export const DEMO_TENANTS: readonly { name: string; tier: TierName; email: string }[] = [
  { name: 'acme', tier: 'basic', email: 'admin@acme.example' },
  { name: 'globex', tier: 'advanced', email: 'admin@globex.example' },
  { name: 'initech', tier: 'premium', email: 'admin@initech.example' },
];

export interface DemoCredentials {
  readonly name: string;
  readonly tier: TierName;
  readonly email: string;
  readonly password: string;
}

interface DemoDeps {
  readonly urls: Urls;
  /** Where the credentials are kept, and whether the demo was left unfinished. */
  readonly dir: Pick<DataDir, 'demo' | 'demoPending'>;
  readonly adminToken: () => Promise<string>;
  readonly progress: (line: string) => void;
}

const PRODUCTS = [
  { name: 'Espresso beans, 1 kg', sku: 'COF-1000', category: 'coffee', price: { amount: 1890, currency: 'EUR' } },
  { name: 'Filter beans, 500 g', sku: 'COF-0500', category: 'coffee', price: { amount: 1090, currency: 'EUR' } },
  { name: 'Green tea, 100 g', sku: 'TEA-0100', category: 'tea', price: { amount: 690, currency: 'EUR' } },
];

const READY_TIMEOUT_MS = 60_000;

/**
 * Makes what is missing of the demo, through the public APIs as any client would. Idempotent.
 * @returns all credentials, kept ones included
 */
export async function ensureDemo(deps: DemoDeps): Promise<readonly DemoCredentials[]> {
  const kept = readJson<DemoCredentials[]>(deps.dir.demo) ?? [];
  const credentials = DEMO_TENANTS.map((one) => ({
    ...one,
    password: kept.find(({ name }) => name === one.name)?.password ?? newPassword(),
  }));
  writePrivate(deps.dir.demo, credentials);
  await Promise.all(credentials.map((one) => ensureTenant(deps, one)));
  rmSync(deps.dir.demoPending, { force: true });
  return credentials;
}

async function ensureTenant(deps: DemoDeps, one: DemoCredentials): Promise<void> {
  const created = await send('POST', `${deps.urls.controlPlane}/tenant-registrations`, await deps.adminToken(), {
    tenantData: { tenantName: one.name, email: one.email, tier: one.tier },
    tenantRegistrationData: {},
    adminPassword: one.password,
  });
  if (created.status !== 201 && created.status !== 409) {
    throw new DomainError('INTERNAL', `demo tenant ${one.name} was refused with status ${created.status}`);
  }
  await untilActive(deps, one.name);
  // One that was there may be of a start that was interrupted before it had its products.
  if (created.status === 201 || existsSync(deps.dir.demoPending)) {
    await stock(deps, one);
    deps.progress(`  demo tenant ${one.name} (${one.tier}) is ready`);
  }
}

async function untilActive(deps: DemoDeps, name: string): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    const page = await send<{ data: { slug: string; state: string; reason?: string }[] }>(
      'GET',
      `${deps.urls.controlPlane}/tenants?name=${name}&limit=10`,
      await deps.adminToken(),
    );
    const tenant = page.body.data.find(({ slug }) => slug === name);
    if (tenant?.state === 'active') return;
    if (tenant?.state === 'failed' || Date.now() > deadline) {
      throw new DomainError(
        'UNAVAILABLE',
        `demo tenant ${name} is ${tenant?.state}: ${tenant?.reason ?? 'took over a minute'}`,
      );
    }
    await wait(25);
  }
}

/** A few products and an order. The services' own uniqueness of `sku` makes a second round harmless. */
async function stock(deps: DemoDeps, { name, email, password }: DemoCredentials): Promise<void> {
  const config = await send<{ authServer: string }>('GET', `${deps.urls.controlPlane}/tenant-config/${name}`);
  const issuer = config.body.authServer;
  const { accessToken } = await signIn({
    issuer,
    clientId: CLI_CLIENT,
    userName: email,
    password,
    scope: 'openid',
  });
  const lines: { productId: string; quantity: number }[] = [];
  for (const product of PRODUCTS) {
    const made = await send<{ productId?: string }>('POST', `${deps.urls.api}/products`, accessToken, product);
    if (made.status === 201 && made.body.productId)
      lines.push({ productId: made.body.productId, quantity: lines.length + 1 });
  }
  if (lines.length > 0) await send('POST', `${deps.urls.api}/orders`, accessToken, { name: 'First order', lines });
}

async function send<T = unknown>(
  method: string,
  url: string,
  token?: string,
  body?: unknown,
): Promise<{ status: number; body: T }> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: body === undefined ? null : JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as T };
}
