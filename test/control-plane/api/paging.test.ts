import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { slugOf } from '../../../core/fields/slug.ts';
import { put } from '../../../core/ports/table.ts';
import { newId } from '../../../core/tenant/ids.ts';
import { TENANT_STATES, type TenantState } from '../../../core/tenant/lifecycle.ts';
import { IN_PROGRESS, type TenantRecord, tenantItem } from '../../../core/tenant/record.ts';
import { TIER_NAMES } from '../../../tenant-templates/tiers.ts';
import { type Body, type Home, startHome } from './home.ts';

let home: Home;
let all: readonly TenantRecord[];
beforeAll(async () => {
  home = await startHome();
  all = Array.from({ length: 1000 }, (_, i) => record(i));
  for (let from = 0; from < all.length; from += 100) {
    await home.deps.table.transact(all.slice(from, from + 100).map((one) => put(tenantItem(one, 1))));
  }
});
afterAll(async () => home[Symbol.asyncDispose]());

/** Names share long prefixes, some differ only in '-', states and tiers are mixed. */
function record(i: number): TenantRecord {
  const tenantName = ['Acme', 'Acme Corp', 'Beta', 'acme-2'][i % 4] + (i % 2 ? ` ${i}` : `${i}`);
  return {
    tenantId: newId(home.deps.clock.now(), home.deps.random),
    tenantName,
    slug: slugOf(tenantName),
    email: `a${i}@a.example`,
    tier: TIER_NAMES[i % 3] as (typeof TIER_NAMES)[number],
    state: TENANT_STATES[(i * 7) % TENANT_STATES.length] as TenantState,
    active: true,
    registrationStatus: IN_PROGRESS,
    tenantExtras: {},
    registrationExtras: {},
    created: '',
    modified: '',
  };
}

async function readAll(path: string, query: string, limit: number): Promise<Body[]> {
  const found: Body[] = [];
  let token = '';
  do {
    const { status, body } = await home.call('GET', `${path}?limit=${limit}${query}&next_token=${token}`);
    expect([status, body.data.length <= limit]).toEqual([200, true]);
    found.push(...body.data);
    token = body.next_token ?? '';
  } while (token !== '');
  return found;
}

const states = [undefined, 'active', 'deleted'] as const;
const tiers = [undefined, 'basic', 'PREMIUM'] as const;
const names = [undefined, 'acme', 'Acme C', 'none'] as const;
const includes = [undefined, 'deleted'] as const;
const combinations = states.flatMap((state) =>
  tiers.flatMap((tier) => names.flatMap((name) => includes.map((include) => ({ state, tier, name, include })))),
);

test.each(combinations)(
  'tenants are listed once each, in order of name, by state $state, tier $tier, name $name and include $include',
  async (filter) => {
    const query = Object.entries(filter)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => `&${key}=${encodeURIComponent(String(value))}`)
      .join('');
    const expected = all
      .filter(({ state }) => (filter.state ? state === filter.state : filter.include || state !== 'deleted'))
      .filter(({ tier }) => !filter.tier || tier === filter.tier.toLowerCase())
      .filter(({ slug }) => !filter.name || slug.startsWith(slugOf(filter.name)))
      .toSorted((a, b) => rank(a) - rank(b) || compare(a, b));
    const found = await readAll('/tenants', query, 97);
    expect(found.map(({ tenantId }) => tenantId)).toEqual(expected.map(({ tenantId }) => tenantId));
  },
);

function rank({ state }: TenantRecord): number {
  return state === 'deleted' ? 1 : 0;
}

function compare(a: TenantRecord, b: TenantRecord): number {
  const [one, other] = [`${a.slug}#${a.tenantId}`, `${b.slug}#${b.tenantId}`];
  return one < other ? -1 : 1;
}

test.each([1, 7, 250, 1000, 100_000])('every registration is listed once with a limit of %i', async (limit) => {
  const subset = limit < 7 ? '&tier=basic&state=active' : '&include=deleted';
  const found = await readAll('/tenant-registrations', subset, limit);
  const expected = all.filter(({ tier, state }) => limit >= 7 || (tier === 'basic' && state === 'active'));
  expect(new Set(found.map(({ tenantId }) => tenantId)).size).toBe(expected.length);
  expect(found).toHaveLength(expected.length);
});

test.each([
  ['/tenants?state=ACTIVE', 'query.state', /^must be one of registered, provisioning, active/],
  ['/tenants?tier=gold', 'query.tier', /^must be one of basic, advanced, premium, got 'gold'/],
  [`/tenants?name=${'a'.repeat(64)}`, 'query.name', /^must have at most 63/],
  ['/tenants?name=...', 'query.name', /^must have a letter or digit/],
  ['/tenants?include=all', 'query.include', /^must be 'deleted'/],
  ['/users?limit=61', 'query.limit', /^must be at most 60/],
])('SE-6: %s is refused with the name of the parameter', async (path, key, words) => {
  const { status, body } = await home.call('GET', path);
  expect([status, body.detail.map(({ loc }: Body) => loc.join('.'))]).toEqual([422, [key]]);
  expect(body.detail[0].msg).toMatch(words);
});

test('a page has ten items by default', async () => {
  expect((await home.call('GET', '/tenants')).body.data).toHaveLength(10);
});
