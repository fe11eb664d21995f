import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { planTenant } from '../../core/plan/plan-tenant.ts';
import { applyPolicies, dryRun, keepData, noDelete, quota } from '../../core/plan/policies.ts';
import { type Change, RESOURCE_KINDS, type Resource, type TenantSpec } from '../../core/plan/resources.ts';
import { TIER_NAMES } from '../../core/tier/tiers.ts';
import { shapeOf } from '../../tenant-templates/shape.ts';
import { TIERS } from '../../tenant-templates/tiers.ts';

const ID = 'tenant01';
const identity = (r: Resource) => `${r.kind}/${r.name}`;
const byIdentity = (a: Resource, b: Resource) => (identity(a) < identity(b) ? -1 : 1);

const specOf = (tier: TenantSpec['tier'], tenantId = ID): TenantSpec => ({
  tenantId,
  registrationId: 'reg1',
  name: 'Acme',
  slug: 'acme',
  tier,
  email: 'admin@acme.example',
});

const resourcesOf = (tenantId: string) =>
  fc.uniqueArray(
    fc.record({
      kind: fc.constantFrom(...RESOURCE_KINDS),
      name: fc.constantFrom('a', 'b', 'c'),
      tenantId: fc.constant(tenantId),
      spec: fc.dictionary(fc.constantFrom('x', 'y'), fc.oneof(fc.integer({ max: 2 }), fc.boolean(), fc.constant(null))),
    }),
    { selector: identity, maxLength: 12 },
  );

/** Reality as a plan leaves it. */
function after(observed: readonly Resource[], changes: readonly Change[]): Resource[] {
  const state = new Map(observed.map((resource) => [identity(resource), resource]));
  for (const { action, resource } of changes) {
    if (action === 'delete') expect(state.delete(identity(resource))).toBe(true);
    else state.set(identity(resource), resource);
  }
  return [...state.values()].sort(byIdentity);
}

describe('planTenant', () => {
  test('from any observed state the plan converges, and planning again gives nothing', () => {
    fc.assert(
      fc.property(resourcesOf(ID), resourcesOf(ID), (resources, observed) => {
        const desired = { tenantId: ID, resources };
        const end = after(observed, planTenant(desired, observed));
        expect(end).toEqual([...resources].sort(byIdentity));
        expect(planTenant(desired, end)).toEqual([]);
      }),
    );
  });

  test('it never names another tenant, prefix siblings included, whatever is observed', () => {
    fc.assert(
      fc.property(resourcesOf('tenant01'), resourcesOf('tenant0'), resourcesOf('tenant012'), (own, short, long) => {
        const observed = [...short, ...own, ...long];
        const changes = planTenant({ tenantId: ID, resources: [] }, observed);
        expect(changes.map((change) => change.resource.tenantId)).toEqual(own.map(() => ID));
        expect(changes).toEqual(planTenant({ tenantId: ID, resources: [] }, own));
      }),
    );
  });

  test('the order in which things were listed does not matter, doubles included', () => {
    const states = fc.tuple(resourcesOf(ID), resourcesOf(ID), resourcesOf(ID)).chain(([resources, some, more]) =>
      fc.record({
        desired: fc.constant({ tenantId: ID, resources }),
        observed: fc.constant([...some, ...more]),
        shuffledDesired: fc.shuffledSubarray(resources, { minLength: resources.length }),
        shuffled: fc.shuffledSubarray([...some, ...more], { minLength: some.length + more.length }),
      }),
    );
    fc.assert(
      fc.property(states, ({ desired, observed, shuffledDesired, shuffled }) => {
        const plan = planTenant(desired, observed);
        expect(planTenant({ tenantId: ID, resources: shuffledDesired }, shuffled)).toEqual(plan);
      }),
    );
  });

  test('a plan survives JSON', () => {
    fc.assert(
      fc.property(resourcesOf(ID), resourcesOf(ID), (resources, observed) => {
        const plan = planTenant({ tenantId: ID, resources }, observed);
        expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
      }),
    );
  });

  test('creates follow the order of kinds, deletes go backwards and come last', () => {
    fc.assert(
      fc.property(resourcesOf(ID), resourcesOf(ID), (resources, observed) => {
        const plan = planTenant({ tenantId: ID, resources }, observed);
        const firstDelete = plan.findIndex((change) => change.action === 'delete');
        const split = firstDelete < 0 ? plan.length : firstDelete;
        const ranks = plan.map((change) => RESOURCE_KINDS.indexOf(change.resource.kind));
        expect(plan.slice(split).every((change) => change.action === 'delete')).toBe(true);
        expect(ranks.slice(0, split)).toEqual(ranks.slice(0, split).sort((a, b) => a - b));
        expect(ranks.slice(split)).toEqual(ranks.slice(split).sort((a, b) => b - a));
      }),
    );
  });

  test('what only its making needs is not compared', () => {
    const [resource] = shapeOf(specOf('basic'), TIERS);
    if (!resource) throw new Error('a basic tenant has resources');
    const desired = { tenantId: ID, resources: [resource] };
    expect(planTenant(desired, [{ ...resource, inputs: { email: 'other@acme.example' } }])).toEqual([]);
  });

  test('a desired state that names another tenant, or a resource twice, is refused', () => {
    const foreign = shapeOf(specOf('basic', 'tenant012'), TIERS);
    expect(() => planTenant({ tenantId: ID, resources: foreign }, [])).toThrow(/its own tenant only/);
    const own = shapeOf(specOf('basic'), TIERS);
    expect(() => planTenant({ tenantId: ID, resources: [...own, ...own] }, [])).toThrow(/unique/);
  });
});

describe('the shape of a tier', () => {
  const created = (tier: TenantSpec['tier']) =>
    planTenant({ tenantId: ID, resources: shapeOf(specOf(tier), TIERS) }, []).map(
      ({ resource }) => `${resource.kind} ${resource.name}`,
    );

  test('ON-3: basic has no compute', () => {
    expect(created('basic')).toEqual(['admin-user pool', 'api-key api-key', 'route route']);
  });

  test('ON-3: advanced has services of its own in the shared cluster, and data of its own', () => {
    expect(created('advanced')).toEqual([
      'data data',
      'service shared/orders',
      'service shared/products',
      'service shared/users',
      'admin-user pool',
      'api-key api-key',
      'route route',
    ]);
  });

  test('ON-3: premium has a cluster and a user pool of its own', () => {
    expect(created('premium')).toEqual([
      'user-pool tenant-tenant01',
      'data data',
      'cluster tenant-tenant01',
      'service tenant-tenant01/orders',
      'service tenant-tenant01/products',
      'service tenant-tenant01/users',
      'admin-user tenant-tenant01',
      'api-key api-key',
      'route route',
    ]);
  });
});

describe('policies', () => {
  const plans = fc
    .tuple(resourcesOf(ID), resourcesOf(ID))
    .map(([resources, observed]) => planTenant({ tenantId: ID, resources }, observed));

  test('dry run allows nothing', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        expect(applyPolicies(plan, [dryRun])).toEqual({ allowed: [], withheld: plan });
      }),
    );
  });

  test('no-delete holds back deletes and nothing else', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const { allowed, withheld } = applyPolicies(plan, [noDelete]);
        expect([...allowed, ...withheld]).toEqual(plan);
        expect(withheld.every((change) => change.action === 'delete')).toBe(true);
        expect(allowed.some((change) => change.action === 'delete')).toBe(false);
      }),
    );
  });

  test('a living tenant keeps its data though its shape has none', () => {
    for (const tier of TIER_NAMES) {
      const observed = shapeOf(specOf(tier), TIERS);
      const basic = { tenantId: ID, resources: shapeOf(specOf('basic'), TIERS) };
      const { allowed } = applyPolicies(planTenant(basic, observed), [keepData]);
      expect(allowed.some((change) => change.resource.kind === 'data')).toBe(false);
    }
  });

  test('a full tier refuses what would create, with the reason, and lets the rest pass', () => {
    const plan = planTenant({ tenantId: ID, resources: shapeOf(specOf('premium'), TIERS) }, []);
    expect(applyPolicies(plan, [quota('premium', 20, 20), noDelete])).toEqual({
      allowed: [],
      withheld: plan,
      refusal: 'tier premium is full: at most 20 tenants are admitted, 20 are there',
    });
    expect(applyPolicies(plan, [quota('premium', 19, 20)]).allowed).toEqual(plan);
    const leaving = planTenant({ tenantId: ID, resources: [] }, shapeOf(specOf('premium'), TIERS));
    expect(applyPolicies(leaving, [quota('premium', 20, 20)]).allowed).toEqual(leaving);
  });
});
