import { setTimeout as wait } from 'node:timers/promises';
import type { Tenant } from '../control-plane/api/tenants/responses.ts';
import { DomainError, isDomainError } from '../core/errors.ts';
import type { TierName } from '../core/tier/tiers.ts';
import { newPassword } from '../embedded/config.ts';
import { type DataDir, readJson, writePrivate } from '../embedded/data-dir.ts';
import { DEMO_TENANTS, demoProgress, recordDemoStep } from '../embedded/demo-progress.ts';
import type { Urls } from '../embedded/running.ts';
import { passwordSignIn } from './sign-in/password.ts';

export interface DemoCredentials {
  readonly name: string;
  readonly tier: TierName;
  readonly email: string;
  readonly password: string;
}

interface DemoDeps {
  readonly urls: Urls;
  /** Holds the credentials and the progress. */
  readonly dir: Pick<DataDir, 'demo' | 'demoPending'>;
  readonly adminToken: () => Promise<string>;
  readonly progress: (line: string) => void;
}

const PRODUCTS = [
  { name: 'Espresso beans, 1 kg', sku: 'COF-1000', category: 'coffee', price: { amount: 1890, currency: 'EUR' } },
  { name: 'Filter beans, 500 g', sku: 'COF-0500', category: 'coffee', price: { amount: 1090, currency: 'EUR' } },
  { name: 'Green tea, 100 g', sku: 'TEA-0100', category: 'tea', price: { amount: 690, currency: 'EUR' } },
];
const ORDER = 'First order';

const READY_TIMEOUT_MS = 60_000;
/** States of an onboarding that has not finished. A tenant in any other state was put there by a user. */
const UNFINISHED: readonly string[] = ['registered', 'provisioning', 'failed'];

/**
 * Creates the missing demo tenants by the public APIs, as any client would. Existing ones stay as they are, except those
 * that an earlier attempt has not finished.
 * @returns the credentials of all demo tenants
 */
export async function ensureDemo(deps: DemoDeps): Promise<readonly DemoCredentials[]> {
  const credentials = keepCredentials(deps.dir);
  await all(credentials.map((one) => ensureTenant(deps, one)));
  return credentials;
}

/** Finishes what the first start, or a later attempt, has not finished. A tenant that was deleted since is not created again. */
export async function finishDemo(deps: DemoDeps): Promise<void> {
  const left = demoProgress(deps.dir);
  const begun = keepCredentials(deps.dir).filter(({ name }) => left[name] !== undefined);
  await all(
    begun.map(async (one) => {
      if (left[one.name] === 'register' || (await find(deps, one.name))) await ensureTenant(deps, one);
      else recordDemoStep(deps.dir, one.name, undefined);
    }),
  );
}

/** Waits for all attempts, also if one fails, so that none continues after the error is reported. */
async function all(attempts: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(attempts)).find((one) => one.status === 'rejected');
  if (failed) throw failed.reason;
}

function keepCredentials(dir: DemoDeps['dir']): readonly DemoCredentials[] {
  const kept = readJson<DemoCredentials[]>(dir.demo) ?? [];
  const credentials = DEMO_TENANTS.map((one) => ({
    ...one,
    password: kept.find(({ name }) => name === one.name)?.password ?? newPassword(),
  }));
  writePrivate(dir.demo, credentials);
  return credentials;
}

/** Records each step before the next one begins, so that an interrupted attempt continues where it ended. */
async function ensureTenant(deps: DemoDeps, one: DemoCredentials): Promise<void> {
  const known = await find(deps, one.name);
  if (known && demoProgress(deps.dir)[one.name] === undefined) return;
  if (!known) {
    recordDemoStep(deps.dir, one.name, 'register');
    await register(deps, one);
  }
  recordDemoStep(deps.dir, one.name, 'stock');
  if (known?.state === 'failed') await retry(deps, known);
  if (await isServed(deps, one.name)) {
    await stock(deps, one);
    deps.progress(`  demo tenant ${one.name} (${one.tier}) is ready`);
  }
  recordDemoStep(deps.dir, one.name, undefined);
}

async function register(deps: DemoDeps, one: DemoCredentials): Promise<void> {
  const { status, body } = await send('POST', `${deps.urls.controlPlane}/tenant-registrations`, {
    token: await deps.adminToken(),
    body: {
      tenantData: { tenantName: one.name, email: one.email, tier: one.tier },
      tenantRegistrationData: {},
      adminPassword: one.password,
    },
  });
  // Another attempt may have registered it meanwhile.
  if (status !== 201 && !(status === 409 && (await find(deps, one.name)))) throw refusal(one.name, status, body);
}

async function retry(deps: DemoDeps, { slug, tenantRegistrationId }: Tenant): Promise<void> {
  const url = `${deps.urls.controlPlane}/tenant-registrations/${tenantRegistrationId}/retry`;
  const { status, body } = await send('POST', url, { token: await deps.adminToken() });
  if (status >= 400 && status !== 409) throw refusal(slug, status, body);
}

async function find(deps: DemoDeps, name: string): Promise<Tenant | undefined> {
  const url = `${deps.urls.controlPlane}/tenants?name=${name}&limit=10`;
  const { status, body } = await send<{ data?: Tenant[] }>('GET', url, { token: await deps.adminToken() });
  if (!body.data) throw refusal(name, status, body);
  return body.data.find(({ slug }) => slug === name);
}

/** Waits for the onboarding. @returns false if a user has suspended or deleted the tenant. Throws UNAVAILABLE if it fails. */
async function isServed(deps: DemoDeps, name: string): Promise<boolean> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    const tenant = await find(deps, name);
    if (!tenant || !UNFINISHED.includes(tenant.state)) return tenant?.state === 'active';
    if (tenant.state === 'failed' || Date.now() > deadline) {
      const reason = tenant.reason ?? 'not active after a minute';
      throw new DomainError('UNAVAILABLE', `demo tenant ${name} is ${tenant.state}: ${reason}`);
    }
    await wait(25);
  }
}

/** Creates the missing ones of three products and an order. */
async function stock(deps: DemoDeps, one: DemoCredentials): Promise<void> {
  const token = await tokenOf(deps, one);
  if (token === undefined) return;
  const products = `${deps.urls.api}/products`;
  for (const product of PRODUCTS) {
    // A taken SKU is a product that exists.
    await make(one.name, products, token, `demo-${product.sku}`, product);
  }
  const there = await send<{ data: { productId: string; sku: string }[] }>('GET', products, { token });
  const lines = PRODUCTS.flatMap(({ sku }, i) => {
    const product = there.body.data.find((candidate) => candidate.sku === sku);
    return product ? [{ productId: product.productId, quantity: i + 1 }] : [];
  });
  if (lines.length > 0) await make(one.name, `${deps.urls.api}/orders`, token, 'demo-order', { name: ORDER, lines });
}

/** Creates an item once; a repetition and an existing item change nothing. */
async function make(name: string, url: string, token: string, key: string, item: object): Promise<void> {
  const { status, body } = await send('POST', url, { token, body: item, key });
  if (status !== 201 && status !== 409) throw refusal(name, status, body);
}

/** undefined if the demo's password is refused: a user has changed it. */
async function tokenOf({ urls }: DemoDeps, { name, email, password }: DemoCredentials): Promise<string | undefined> {
  const config = await send<{ authServer: string }>('GET', `${urls.controlPlane}/tenant-config/${name}`);
  const issuer = config.body.authServer;
  try {
    const userName = email;
    return (await passwordSignIn({ issuer, userName, password, scope: 'openid' })).accessToken;
  } catch (error) {
    if (isDomainError(error, 'UNAUTHENTICATED') || isDomainError(error, 'FORBIDDEN')) return undefined;
    throw error;
  }
}

function refusal(name: string, status: number, body: unknown): DomainError {
  const { message } = body as { message?: unknown };
  const why = typeof message === 'string' ? message : `status ${status}`;
  return new DomainError('UNAVAILABLE', `demo tenant ${name} was refused: ${why}`);
}

async function send<T = unknown>(
  method: string,
  url: string,
  { token, body, key }: { token?: string; body?: unknown; key?: string } = {},
): Promise<{ status: number; body: T }> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(key !== undefined && { 'idempotency-key': key }),
    },
    body: body === undefined ? null : JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as T };
}
