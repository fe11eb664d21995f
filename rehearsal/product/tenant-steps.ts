import assert from 'node:assert/strict';
import { signUpTier, type TierName } from '../../core/tier/tiers.ts';
import { TIERS } from '../../tenant-templates/tiers.ts';
import { mailsTo } from '../invited-password.ts';
import { type ProductScene, type Step, tenantOfTier, tierWith } from './scene.ts';
import { PASSWORD, type TenantUser } from './tenant.ts';

/** More requests than the burst of a pooled tier admits. */
const BURST = 40;

/** Onboards a tenant of the tier. Its administrator uses it. */
export function stepsOfTier(tier: TierName): Step[] {
  const name = tenantOfTier(tier);
  return [
    [
      `a ${tier} tenant is registered, and serves`,
      async (scene) => {
        const started = performance.now();
        await scene.onboard(name, tier);
        return `POST to served in ${Math.round(performance.now() - started)} ms`;
      },
    ],
    [
      `its administrator signs in by managed login, and creates a product and an order (${tier})`,
      async (scene) => {
        const administrator = await scene.tenant(name).signInAdministrator();
        scene.products.set(name, await createProduct(administrator, `Beans of ${tier}`));
      },
    ],
  ];
}

/** Creates a product, and an order of it: orders ask products for the price. @returns the product's id */
export async function createProduct(user: TenantUser, name: string, sku = 'COF-1'): Promise<string> {
  const price = { amount: 1890, currency: 'EUR' };
  const created = await user('POST', '/products', { body: { name, sku, category: 'coffee', price } });
  assert.equal(created.status, 201, created.text);
  const { productId } = created.body as { productId: string };
  const ordered = await user('POST', '/orders', { body: { name: 'First', lines: [{ productId, quantity: 2 }] } });
  assert.equal(ordered.status, 201, ordered.text);
  assert.deepEqual((ordered.body as { total: unknown }).total, { amount: 3780, currency: 'EUR' });
  return productId;
}

/** What the users of the onboarded tenants do, and what they cannot do. */
export const TENANT_STEPS: readonly Step[] = [
  [
    "no tenant sees another one's product, whatever headers it sends",
    async ({ tenants, products }) => {
      for (const tenant of tenants.values()) {
        for (const [owner, productId] of products) {
          const foreign = tenants.get(owner)?.tenantId ?? '';
          const headers = { tenantPath: foreign, 'x-tierplane-tenant': foreign };
          const { status, text } = await tenant.administrator('GET', `/products/${productId}`, { headers });
          const { name } = tenant.registered;
          assert.equal(status, owner === name ? 200 : 404, `${name}, product of ${owner}: ${text}`);
        }
      }
    },
  ],
  [
    'another user of each tenant is invited in its name, signs in, and sees its products',
    async (scene) => {
      for (const [name, productId] of scene.products) await inviteUser(scene, name, productId);
    },
  ],
  [
    'a company signs itself up, and signs in at once with the password that it chose',
    async (scene) => {
      const [name, email] = ['self-made', 'owner@self-made.example'];
      const started = performance.now();
      const { status, text, body } = await scene.installation.call('POST', '/onboarding', {
        body: { tenant_name: name, email, password: PASSWORD },
      });
      assert.equal(status, 201, text);
      const { tenant_id: tenantId } = body as { tenant_id: string };
      const registered = { tenantId, registrationId: `reg-${tenantId}`, name, tier: signUpTier(TIERS), email };
      const tenant = await scene.untilActive(registered);
      const detail = `served ${Math.round(performance.now() - started)} ms after it had signed up`;
      const administrator = await tenant.signInAdministrator(PASSWORD);
      scene.products.set(name, await createProduct(administrator, 'Own beans'));
      assert.deepEqual(await mailsTo(scene.account, email), []);
      return detail;
    },
  ],
];

async function inviteUser(scene: ProductScene, name: string, productId: string): Promise<void> {
  const tenant = scene.tenant(name);
  const email = `user@${name}.example`;
  const invited = await tenant.administrator('POST', '/users', { body: { email } });
  assert.equal(invited.status, 201, invited.text);
  assert.equal((await mailsTo(scene.account, email)).at(-1)?.subject, `Your invitation to ${name}`);
  const user = await tenant.signInInvited(email);
  const { status, text } = await user('GET', `/products/${productId}`);
  assert.equal(status, 200, text);
  // Only administrators invite.
  const refused = await user('POST', '/users', { body: { email: `other@${name}.example` } });
  assert.equal(refused.status, 403, refused.text);
}

/** After it, the tenant has used up its burst. */
export const BURST_STEP: Step = [
  'the usage plan refuses a burst of a pooled tenant with 429, and no request of another tenant',
  async (scene) => {
    const pooled = scene.tenant(tenantOfTier(tierWith('pool'))).administrator;
    // The authorizer's response is kept from now on, so the plan alone decides about the burst.
    assert.equal((await pooled('GET', '/products')).status, 200);
    const responses = await Promise.all(Array.from({ length: BURST }, () => pooled('GET', '/products')));
    // On a busy machine, a request that the plan admits may get 503. The step judges the plan.
    const having = (wanted: number) => responses.filter(({ status }) => status === wanted);
    const [served, refused, unavailable] = [having(200), having(429), having(503)];
    const unexpected = responses.filter(({ status }) => ![200, 429, 503].includes(status)).map(({ text }) => text);
    assert.deepEqual(unexpected, []);
    assert.ok(served.length > 0 && refused.length > 0, `${served.length} served, ${refused.length} refused`);
    const other = await scene.tenant('self-made').administrator('GET', '/products');
    assert.equal(other.status, 200, other.text);
    const busy = unavailable.length > 0 ? `, ${unavailable.length} got 503: ${unavailable[0]?.text}` : '';
    return `${refused.length} of ${BURST} were refused${busy}`;
  },
];
