import { beforeAll, expect, jest, test } from '@jest/globals';
import type { Attempt, AttemptResult } from '../../rehearsal/task/attempt.ts';
import { buildImage } from '../../rehearsal/task/images.ts';
import { buildBundles, OTHER_TENANT, TaskScene, TENANT, tagOf } from '../../rehearsal/task/scene.ts';
import { describeWithContainers } from './account.ts';

jest.setTimeout(120_000);

const OWN = `${TENANT}#probe`;
const FOREIGN = `${OTHER_TENANT}#probe`;
/** An id that begins with the tenant's. */
const SIBLING = `${TENANT}1#probe`;

type Tags = Readonly<Record<string, string>>;
type Case = readonly [title: string, call: Attempt['call'], pk: string, tags?: Tags];

const CALLS = ['GetItem', 'PutItem', 'Query', 'QueryIndex'] as const;
const own = { tenantId: TENANT };

const ALLOWED: readonly Case[] = [
  ...CALLS.map((call): Case => [`${call} of its own key`, call, OWN, own]),
  ['Query of the key without a suffix', 'Query', TENANT, own],
];
const REFUSED_BY_DYNAMODB: readonly Case[] = [
  ...CALLS.flatMap((call): Case[] => [
    [`${call} of another tenant's key`, call, FOREIGN, own],
    [`${call} of a key that begins with its id`, call, SIBLING, own],
    [`${call} of a key of no tenant`, call, 'platform', own],
    [`${call} of its own deletion mark`, call, `closed#${TENANT}`, own],
  ]),
  ['Scan', 'Scan', '', own],
  ['PartiQL of its own key', 'PartiQL', OWN, own],
  ["PartiQL of another tenant's key", 'PartiQL', FOREIGN, own],
];
const REFUSED_TO_THE_TASK: readonly Case[] = [...CALLS, 'Scan' as const, 'PartiQL' as const].map((call) => [
  call,
  call,
  OWN,
]);
const REFUSED_BY_STS: readonly Case[] = [
  ["another tenant's tag", 'GetItem', OWN, { tenantId: OTHER_TENANT }],
  ['no tag', 'GetItem', OWN, {}],
  ['a tag of another name', 'GetItem', OWN, { tenant: TENANT }],
  ['one more tag', 'GetItem', OWN, { tenantId: TENANT, role: 'x' }],
  ['a pattern as tag', 'GetItem', OWN, { tenantId: '*' }],
];

/** Real calls from the container of our products service, with the credentials that its task gets. */
describeWithContainers("the container of a tenant's service", (account) => {
  let scene: TaskScene;
  let token: string;
  const results = new Map<Case, AttemptResult>();

  beforeAll(async () => {
    await buildBundles();
    scene = new TaskScene(account());
    buildImage(scene.engine, 'products', tagOf('products'));
    await scene.deployShared();
    await scene.deployService('products', await scene.buildProbedImage('products'));
    token = await scene.signIn(TENANT);
    const cases = [...ALLOWED, ...REFUSED_BY_DYNAMODB, ...REFUSED_TO_THE_TASK, ...REFUSED_BY_STS];
    const found = scene.probe(cases.map(([, call, pk, tags]) => ({ call, pk, ...(tags && { session: { tags } }) })));
    expect(found.length).toBe(cases.length);
    for (const [index, one] of cases.entries()) results.set(one, found[index] as AttemptResult);
  }, 240_000);

  const resultOf = (title: string, cases: readonly Case[]): AttemptResult | undefined => {
    const one = cases.find((known) => known[0] === title);
    return one && results.get(one);
  };
  const titles = (cases: readonly Case[]): string[] => cases.map(([title]) => title);
  const denied = { allowed: false, error: 'AccessDeniedException' };

  test.each(titles(ALLOWED))("SE-1.6: a session with the tenant's own tag may %s", (title) => {
    const caller = expect.stringMatching(/^arn:aws:sts::\d{12}:assumed-role\/task-service-DataRole[^/]*\/probe$/);
    expect(resultOf(title, ALLOWED)).toEqual({ allowed: true, caller });
  });

  test.each(titles(REFUSED_BY_DYNAMODB))("SE-1.6: DynamoDB refuses a session with the tenant's own tag %s", (title) => {
    const message = expect.stringMatching(/assumed-role\/task-service-DataRole[^/]*\/probe is not authorized/);
    expect(resultOf(title, REFUSED_BY_DYNAMODB)).toEqual({ ...denied, message });
  });

  test.each(titles(REFUSED_TO_THE_TASK))("SE-1.6: DynamoDB refuses the task's own role %s", (title) => {
    const message = expect.stringMatching(/assumed-role\/task-service-TaskRole[^/]*\/\S+ is not authorized/);
    expect(resultOf(title, REFUSED_TO_THE_TASK)).toEqual({ ...denied, message });
  });

  test.each(titles(REFUSED_BY_STS))('SE-1.13: STS refuses a session of the data role with %s', (title) => {
    expect(resultOf(title, REFUSED_BY_STS)).toMatchObject({ allowed: false, error: 'AccessDenied' });
  });

  test("SE-1.6: the service reads the product list through the load balancer's rule with the tenant's session only", async () => {
    const body = { name: 'Beans', sku: 'COF-1', category: 'coffee', price: { amount: 1890, currency: 'EUR' } };
    const created = await scene.request('POST', '/products', { token, body });
    expect([created.status, created.text]).toEqual([201, expect.any(String)]);
    const before = scene.callersOf('dynamodb:Query').length;
    for (let i = 0; i < 3; i++) {
      const { status, text } = await scene.request('GET', '/products', { token });
      expect({ status, skus: JSON.parse(text).data.map(({ sku }: { sku: string }) => sku) }).toEqual({
        status: 200,
        skus: ['COF-1'],
      });
    }
    const readers = scene.callersOf('dynamodb:Query').slice(before);
    expect(readers.length).toBe(3);
    for (const reader of readers) expect(reader).toMatch(new RegExp(`/task-service-DataRole[^/]*/${TENANT}$`));
  });

  test('a request without the header of a rule gets the 404 of the load balancer', async () => {
    const { status, text } = await scene.request('GET', '/products', { token, tenantPath: 'nobody' });
    expect([status, text]).toEqual([404, '{"message":"Not Found"}']);
  });

  test("SE-1.5: another tenant's user is refused, whatever the headers name", async () => {
    const foreign = await scene.signIn(OTHER_TENANT);
    expect((await scene.request('GET', '/products', { token: foreign })).status).toBe(403);
    expect((await scene.request('GET', '/products', { token: 'a.b.c' })).status).toBe(401);
  });
});
