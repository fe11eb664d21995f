import assert from 'node:assert/strict';
import { imageNames } from '../../scripts/images/from-scratch.ts';
import type { EmulatedAccount } from '../emulated-account.ts';
import { type StepResult, timed } from '../step.ts';
import { buildImage, MAX_IMAGE_BYTES } from './images.ts';
import { buildBundles, OTHER_TENANT, TaskScene, TENANT, tagOf } from './scene.ts';

const SERVICE = 'products';

/** What the steps find and later steps need. */
interface Found {
  image: string;
  token: string;
  foreignToken: string;
}

type Step = readonly [name: string, run: (scene: TaskScene, found: Found) => Promise<unknown>];

/**
 * Runs our products service as an ECS task of one tenant and uses it. Yields one result per step; the first failure ends the
 * run.
 */
export async function* rehearseTask(account: EmulatedAccount): AsyncGenerator<StepResult> {
  const scene = new TaskScene(account);
  const found: Found = { image: '', token: '', foreignToken: '' };
  for (const [name, run] of [...imageSteps(), ...STEPS]) {
    const result = await timed(name, () => run(scene, found));
    yield result;
    if (!result.ok) return;
  }
}

function imageSteps(): Step[] {
  const images = imageNames().map(
    (name): Step => [
      `the image of ${name} is built`,
      async ({ engine }) => {
        const bytes = buildImage(engine, name, tagOf(name));
        assert(bytes < MAX_IMAGE_BYTES, `an image must be smaller than ${MAX_IMAGE_BYTES} bytes, got ${bytes}`);
        return `${Math.round(bytes / 1e6)} MB`;
      },
    ],
  );
  return [['the bundles are up to date', () => buildBundles()], ...images];
}

const STEPS: readonly Step[] = [
  ['CloudFormation creates network, load balancer and user pool', (scene) => scene.deployShared()],
  [
    'a probe is added to an image of the service, for calls from its container',
    async (scene, found) => {
      found.image = await scene.buildProbedImage(SERVICE);
    },
  ],
  [
    "CloudFormation creates the tenant's cluster, table, roles, service and rule",
    (scene, { image }) => scene.deployService(SERVICE, image),
  ],
  [
    'the service is a running and healthy ECS task',
    async (scene) => {
      const status = scene.exec('node', '-p', 'require("node:fs").readFileSync("/proc/1/status", "utf8")');
      assert.match(status, /^CapBnd:\t0+$/m);
      const [, uid] = /^Uid:\t(\d+)/m.exec(status) ?? [];
      assert.equal(uid, '65532');
      return `${scene.service.ServiceArn}, container ${scene.container()}, user ${uid}, without capabilities`;
    },
  ],
  [
    'users of two tenants sign in at the Cognito user pool',
    async (scene, found) => {
      found.token = await scene.signIn(TENANT);
      found.foreignToken = await scene.signIn(OTHER_TENANT);
    },
  ],
  [
    "the product list is served through the load balancer's rule, read with the tenant's own session",
    async (scene, { token }) => {
      const price = { amount: 1890, currency: 'EUR' };
      const body = { name: 'Espresso beans', sku: 'COF-1', category: 'coffee', price };
      const created = await scene.request('POST', `/${SERVICE}`, { token, body });
      assert.equal(created.status, 201, created.text);
      const { status, text } = await scene.request('GET', `/${SERVICE}`, { token });
      assert.equal(status, 200, text);
      assert.match(text, /"sku":"COF-1"/);
      const readers = new Set(scene.callersOf('dynamodb:Query'));
      assert.equal(readers.size, 1, `one session must have read, got ${[...readers].join(', ')}`);
      const [session = ''] = readers;
      assert.match(session, new RegExp(`^arn:aws:sts::\\d{12}:assumed-role/[^/]*DataRole[^/]*/${TENANT}$`));
      return `${text.slice(0, 100)}... by ${session}`;
    },
  ],
  [
    "another tenant's user and an unknown tenant are refused",
    async (scene, { token, foreignToken }) => {
      const foreign = await scene.request('GET', `/${SERVICE}`, { token: foreignToken });
      assert.equal(foreign.status, 403, foreign.text);
      const unknown = await scene.request('GET', `/${SERVICE}`, { token, tenantPath: OTHER_TENANT });
      assert.equal(unknown.status, 404, unknown.text);
      return `${foreign.status} and ${unknown.status}`;
    },
  ],
  [
    "DynamoDB refuses the same container another tenant's key",
    async (scene) => {
      const session = { tags: { tenantId: TENANT } };
      const [own, foreign] = scene.probe([
        { session, call: 'Query', pk: `${TENANT}#products` },
        { session, call: 'Query', pk: `${OTHER_TENANT}#products` },
      ]);
      assert.equal(own?.allowed, true, JSON.stringify(own));
      assert(foreign && !foreign.allowed, `the call must be refused, got ${JSON.stringify(foreign)}`);
      assert.equal(foreign.error, 'AccessDeniedException');
      return `${foreign.error}: ${foreign.message}`;
    },
  ],
];
