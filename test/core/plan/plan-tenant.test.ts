import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { planTenant } from '../../../core/plan/plan-tenant.ts';
import { applyPolicies, dryRun, keepData, noDelete, quota } from '../../../core/plan/policies.ts';
import {
  type Change,
  type ObservedResource,
  RESOURCE_KINDS,
  type Resource,
  type TenantSpec,
} from '../../../core/plan/resources.ts';
import { shapeOf } from '../../../tenant-templates/shape.ts';
import { TIER_NAMES, TIERS } from '../../../tenant-templates/tiers.ts';

const ID = 'tenant01';
const identity = ({ kind, name }: ObservedResource) => `${kind}/${name}`;
const byIdentity = (a: ObservedResource, b: ObservedResource) => (identity(a) < identity(b) ? -1 : 1);

const specOf = (tier: TenantSpec['tier'], tenantId = ID): TenantSpec => ({
  tenantId,
  registrationId: 'reg1',
  name: 'Acme',
  slug: 'acme',
  tier,
  email: 'admin@acme.example',
});

/** Any kinds with any names and specs: the planner looks into none of them. */
const resourcesOf = (tenantId: string): fc.Arbitrary<Resource[]> =>
  fc.uniqueArray(
    fc.record({
      kind: fc.constantFrom(...RESOURCE_KINDS),
      name: fc.constantFrom('a', 'b', 'c'),
      tenantId: fc.constant(tenantId),
      spec: fc.dictionary(fc.constantFrom('x', 'y'), fc.oneof(fc.integer({ max: 2 }), fc.boolean(), fc.constant(null))),
    }) as unknown as fc.Arbitrary<Resource>,
    { selector: identity, maxLength: 12 },
  );

/** The observed state after a plan has been applied. */
function after(observed: readonly ObservedResource[], changes: readonly Change[]): ObservedResource[] {
  const state = new Map(observed.map((resource) => [identity(resource), resource]));
  for (const { action, resource } of changes) {
    if (action === 'delete') expect(state.delete(identity(resource))).toBe(true);
    else state.set(identity(resource), resource);
  }
  return [...state.values()].sort(byIdentity);
}

describe('planTenant', () => {
  test('converges from any observed state, and then plans nothing', () => {
    fc.assert(
      fc.property(resourcesOf(ID), resourcesOf(ID), (resources, observed) => {
        const desired = { tenantId: ID, resources };
        const end = after(observed, planTenant(desired, observed));
        expect(end).toEqual([...resources].sort(byIdentity));
        expect(planTenant(desired, end)).toEqual([]);
      }),
    );
  });

  test('never names another tenant, even one whose id begins with the same characters', () => {
    fc.assert(
      fc.property(resourcesOf('tenant01'), resourcesOf('tenant0'), resourcesOf('tenant012'), (own, short, long) => {
        const observed = [...short, ...own, ...long];
        const changes = planTenant({ tenantId: ID, resources: [] }, observed);
        expect(changes.map((change) => change.resource.tenantId)).toEqual(own.map(() => ID));
        expect(changes).toEqual(planTenant({ tenantId: ID, resources: [] }, own));
      }),
    );
  });

  test('gives the same plan in whatever order resources are listed, duplicates included', () => {
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

  test('makes plans that can be serialised as JSON', () => {
    fc.assert(
      fc.property(resourcesOf(ID), resourcesOf(ID), (resources, observed) => {
        const plan = planTenant({ tenantId: ID, resources }, observed);
        expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
      }),
    );
  });

  test('creates in the order of kinds, then deletes in reverse', () => {
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

  test('does not compare inputs', () => {
    const before = shapeOf(specOf('basic'), TIERS);
    const resources = shapeOf({ ...specOf('basic'), email: 'other@acme.example' }, TIERS);
    expect(resources).not.toEqual(before);
    expect(planTenant({ tenantId: ID, resources }, before)).toEqual([]);
  });

  /** One resource as any kind could be; the planner compares specs without knowing their shape. */
  const withSpec = (name: string, spec: unknown) => ({ kind: 'data', name, tenantId: ID, spec }) as unknown as Resource;
  const planOf = (desired: Resource[], observed: ObservedResource[]) =>
    planTenant({ tenantId: ID, resources: desired }, observed).map(({ action, resource }) => [action, resource.name]);

  test('updates a resource whose spec differs at any depth, in either of two observed copies', () => {
    const desired = withSpec('a', { list: [1, 2], inner: { x: 1, y: null } });
    const reordered = withSpec('a', { inner: { y: null, x: 1 }, list: [1, 2] });
    expect(planOf([desired], [reordered])).toEqual([]);
    for (const spec of [
      { list: [12], inner: { x: 1, y: null } },
      { list: [2, 1], inner: { x: 1, y: null } },
      { list: [1, 2], inner: { x: 2, y: null } },
      { list: [1, 2], inner: { x: 1, y: 0 } },
      { list: [1, 2], inner: { x: 1 } },
      { list: { 0: 1, 1: 2 }, inner: { x: 1, y: null } },
      null,
      'text',
    ]) {
      expect(planOf([desired], [withSpec('a', spec)])).toEqual([['update', 'a']]);
      expect(planOf([desired], [reordered, withSpec('a', spec)])).toEqual([['update', 'a']]);
    }
  });

  test('sorts resources of one kind by name, and deletes them in reverse', () => {
    const resources = ['b', 'a', 'c'].map((name) => withSpec(name, {}));
    expect(planOf(resources, [])).toEqual([
      ['create', 'a'],
      ['create', 'b'],
      ['create', 'c'],
    ]);
    expect(planOf([], resources)).toEqual([
      ['delete', 'c'],
      ['delete', 'b'],
      ['delete', 'a'],
    ]);
  });

  test('refuses a desired state that names another tenant, or a resource twice', () => {
    const foreign = shapeOf(specOf('basic', 'tenant012'), TIERS);
    const invalid = expect.objectContaining({ code: 'INVALID' });
    expect(() => planTenant({ tenantId: ID, resources: foreign }, [])).toThrow(invalid);
    expect(() => planTenant({ tenantId: ID, resources: foreign }, [])).toThrow(
      /only resources of tenant tenant01, got .* of tenant tenant012/,
    );
    const own = shapeOf(specOf('basic'), TIERS);
    expect(() => planTenant({ tenantId: ID, resources: [...own, ...own] }, [])).toThrow(invalid);
    expect(() => planTenant({ tenantId: ID, resources: [...own, ...own] }, [])).toThrow(/unique/);
  });
});

describe('the shape of a tier', () => {
  const created = (tier: TenantSpec['tier']) =>
    planTenant({ tenantId: ID, resources: shapeOf(specOf(tier), TIERS) }, []).map(
      ({ resource }) => `${resource.kind} ${resource.name}`,
    );

  test('ON-3: gives a basic tenant no compute', () => {
    expect(created('basic')).toEqual(['admin-user pool', 'api-key api-key', 'route route']);
  });

  test('ON-3: gives an advanced tenant its own services in the shared cluster and its own data', () => {
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

  test('ON-3: gives a premium tenant its own cluster and user pool', () => {
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

  test('dryRun allows nothing', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        expect(applyPolicies(plan, [dryRun])).toEqual({ allowed: [], withheld: plan });
      }),
    );
  });

  test('noDelete withholds deletes and nothing else', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const { allowed, withheld } = applyPolicies(plan, [noDelete]);
        expect([...allowed, ...withheld]).toEqual(plan);
        expect(withheld.every((change) => change.action === 'delete')).toBe(true);
        expect(allowed.some((change) => change.action === 'delete')).toBe(false);
      }),
    );
  });

  test('keepData keeps the data of a tenant whose shape has none', () => {
    for (const tier of TIER_NAMES) {
      const observed = shapeOf(specOf(tier), TIERS);
      const basic = { tenantId: ID, resources: shapeOf(specOf('basic'), TIERS) };
      const { allowed } = applyPolicies(planTenant(basic, observed), [keepData]);
      expect(allowed.some((change) => change.resource.kind === 'data')).toBe(false);
    }
  });

  test('keepData allows the deletion of other resources, and the creation and change of data', () => {
    const data = { kind: 'data', name: 'data', tenantId: ID, spec: {} } as unknown as Resource;
    const route = { kind: 'route', name: 'route', tenantId: ID, spec: {} } as unknown as Resource;
    const changes: Change[] = [
      { action: 'create', resource: data },
      { action: 'update', resource: data },
      { action: 'delete', resource: route },
    ];
    expect(applyPolicies(changes, [keepData])).toEqual({ allowed: changes, withheld: [] });
  });

  test('quota refuses a plan that creates one resource and deletes another', () => {
    const resourceOf = (kind: string) => ({ kind, name: kind, tenantId: ID, spec: {} }) as unknown as Resource;
    const changes: Change[] = [
      { action: 'create', resource: resourceOf('route') },
      { action: 'delete', resource: resourceOf('data') },
    ];
    expect(applyPolicies(changes, [quota('premium', 20, 20)])).toMatchObject({ allowed: [], withheld: changes });
  });

  test('quota refuses a plan that creates anything in a full tier, with the reason, and allows every other plan', () => {
    const plan = planTenant({ tenantId: ID, resources: shapeOf(specOf('premium'), TIERS) }, []);
    expect(applyPolicies(plan, [quota('premium', 20, 20), noDelete])).toEqual({
      allowed: [],
      withheld: plan,
      refusal: 'tier premium is full: it admits at most 20 tenants and has 20',
    });
    expect(applyPolicies(plan, [quota('premium', 19, 20)]).allowed).toEqual(plan);
    const leaving = planTenant({ tenantId: ID, resources: [] }, shapeOf(specOf('premium'), TIERS));
    expect(applyPolicies(leaving, [quota('premium', 20, 20)]).allowed).toEqual(leaving);
  });
});
