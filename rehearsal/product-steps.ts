import assert from 'node:assert/strict';
import { until } from '../scripts/until.ts';
import { contentsOf } from './account-contents.ts';
import type { EmulatedAccount } from './emulated-account.ts';
import { cleanUp, type Installation, installProduct, signInAdmin } from './installation.ts';
import { RehearsedTenant, type TenantConfig } from './product-tenant.ts';
import { type StepResult, timed } from './step.ts';

const ADMIN_EMAIL = 'admin@example.com';
const ADMIN_PASSWORD = 'Rehearsed-horse-battery-7';
const ACTIVE_WITHIN_MS = 120_000;
const POLL_MS = 200;
const TIERS = ['basic', 'advanced'] as const;
/** More requests than the burst of the basic tier admits. */
const BURST = 40;

interface Scene {
  readonly account: EmulatedAccount;
  readonly installation: Installation;
  /** Sends a request with the administrator's access token. */
  request(method: string, path: string, body?: unknown): ReturnType<Installation['call']>;
  readonly tenants: Map<string, RehearsedTenant>;
  /** By the tier of the tenant that created it. */
  readonly products: Map<string, string>;
}

/** Installs the whole product by scripts/install.sh, uses it through its public addresses, and deletes it. */
export async function* rehearseProduct(account: EmulatedAccount): AsyncGenerator<StepResult> {
  const before = await contentsOf(account);
  let installation: Installation | undefined;
  yield await timed('scripts/install.sh builds the images and installs both planes', async () => {
    installation = await installProduct(account, ADMIN_EMAIL);
  });
  if (!installation) return;
  const installed = installation;
  let token = '';
  yield await timed('the invited administrator signs in', async () => {
    token = `Bearer ${(await signInAdmin(installed, ADMIN_PASSWORD)).accessToken}`;
  });
  if (token === '') return;
  const request: Scene['request'] = (method, path, body) => installed.call(method, path, { token, body });
  const scene: Scene = { account, installation: installed, request, tenants: new Map(), products: new Map() };
  for (const [name, run] of [...TIERS.flatMap(stepsOfTier), ...STEPS]) {
    const result = await timed(name, () => run(scene));
    yield result;
    if (!result.ok) return;
  }
  yield await timed('scripts/cleanup/cleanup.sh leaves nothing but what the CDK needs', async () => {
    await cleanUp(installed);
    const after = await contentsOf(account);
    assert.deepEqual(after, { ...before, ...afterBootstrap(after) });
  });
}

type Step = readonly [name: string, run: (scene: Scene) => Promise<unknown>];

/** The bootstrap stack stays, because other CDK applications may use it. */
function afterBootstrap({
  stacks,
  buckets,
  repositories,
  roles,
}: Record<string, readonly string[]>): Record<string, readonly string[]> {
  const isOfCdk = (name: string): boolean => /^(CDKToolkit$|cdk-)/.test(name);
  const isServiceLinked = (name: string): boolean => name.startsWith('AWSServiceRoleFor');
  // API Gateway writes the logs of all REST APIs of the account with it.
  const isOfLogs = (name: string): boolean => name.includes('RestApiCloudWatchRole');
  return {
    stacks: (stacks ?? []).filter(isOfCdk),
    buckets: (buckets ?? []).filter(isOfCdk),
    repositories: (repositories ?? []).filter(isOfCdk),
    roles: (roles ?? []).filter((name) => isOfCdk(name) || isServiceLinked(name) || isOfLogs(name)),
  };
}

function stepsOfTier(tier: (typeof TIERS)[number]): Step[] {
  return [
    [`a ${tier} tenant is registered, and serves`, (scene) => onboard(scene, tier)],
    [
      `its administrator signs in by managed login, and creates a product and an order (${tier})`,
      async ({ tenants, products }) => {
        const tenant = tenants.get(tier);
        assert(tenant);
        await tenant.signInAdministrator();
        const product = {
          name: `Beans of ${tier}`,
          sku: 'COF-1',
          category: 'coffee',
          price: { amount: 1890, currency: 'EUR' },
        };
        const created = await tenant.request('POST', '/products', { body: product });
        assert.equal(created.status, 201, created.text);
        const { productId } = JSON.parse(created.text) as { productId: string };
        products.set(tier, productId);
        const order = { name: 'First', lines: [{ productId, quantity: 2 }] };
        const ordered = await tenant.request('POST', '/orders', { body: order });
        assert.equal(ordered.status, 201, ordered.text);
      },
    ],
  ];
}

async function onboard({ account, installation, request, tenants }: Scene, tier: string): Promise<string> {
  const name = `rehearsed-${tier}`;
  const email = `admin@${name}.example`;
  const tenantData = { tenantName: name, email, tier };
  const registered = await request('POST', '/tenant-registrations', { tenantData, tenantRegistrationData: {} });
  assert.equal(registered.status, 201, registered.text);
  const { tenantId, tenantRegistrationId } = (registered.body as { data: Record<string, string> }).data;
  const steps = await untilActive(request, tenantId ?? '');
  const registration = await request('GET', `/tenant-registrations/${tenantRegistrationId}`);
  assert.match(registration.text, /"registrationStatus":"created"/);
  const { body } = await installation.call('GET', `/tenant-config/${name}`);
  tenants.set(
    tier,
    new RehearsedTenant(account, body as TenantConfig, { tenantId: tenantId ?? '', name, tier, email }),
  );
  return steps;
}

async function untilActive(request: Scene['request'], tenantId: string): Promise<string> {
  const started = performance.now();
  let state = '';
  await until(
    async () => {
      const { body } = await request('GET', `/tenants/${tenantId}`);
      const { data } = body as { data: { state: string; reason?: string } };
      state = data.state;
      assert.notEqual(state, 'failed', data.reason);
      return state === 'active';
    },
    {
      withinMs: ACTIVE_WITHIN_MS,
      everyMs: POLL_MS,
      failure: () => `tenant is ${state} after ${ACTIVE_WITHIN_MS} ms`,
    },
  );
  return `POST to served in ${Math.round(performance.now() - started)} ms`;
}

const STEPS: readonly Step[] = [
  [
    "no tenant sees another one's product, whatever headers it sends",
    async ({ tenants, products }) => {
      for (const tenant of tenants.values()) {
        for (const [tier, productId] of products) {
          const foreign = [...tenants.values()].find((one) => one.tier === tier);
          const headers = { tenantPath: foreign?.tenantId ?? '', 'x-tierplane-tenant': foreign?.tenantId ?? '' };
          const { status, text } = await tenant.request('GET', `/products/${productId}`, { headers });
          assert.equal(status, tier === tenant.tier ? 200 : 404, `${tenant.name}, product of ${tier}: ${text}`);
        }
      }
    },
  ],
  [
    'the usage plan refuses a burst of the basic tenant with 429',
    async ({ tenants }) => {
      const basic = tenants.get('basic');
      assert(basic);
      const responses = await Promise.all(Array.from({ length: BURST }, () => basic.request('GET', '/products')));
      const statuses = responses.map(({ status }) => status);
      assert(statuses.includes(200) && statuses.includes(429), `got ${[...new Set(statuses)]}`);
      return `${statuses.filter((status) => status === 429).length} of ${BURST} were refused`;
    },
  ],
];
