import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONTROL_PLANE_SOURCE } from '../../core/events/events.ts';
import { bundleContainer } from '../../scripts/bundle.ts';
import { until } from '../../scripts/until.ts';
import { mailsTo } from '../invited-password.ts';
import { containersOf } from './containers.ts';
import { leftoversOf, untilNothingIsLeft } from './leftovers.ts';
import { whileServiceRuns } from './release-images.ts';
import { whileRequestsAreLost } from './request-queue.ts';
import { type ProductScene, type Step, tenantOfTier, tierWith } from './scene.ts';
import { createProduct } from './tenant-steps.ts';

const BUGGY_SERVICE = 'test/fixtures/services/buggy-server.ts';
const WITHIN_MS = 60_000;
const POLL_MS = 250;
/** The exit code of the failing image. */
const EXIT_CODE = 7;

/** What goes wrong, and what it leads to. */
export const FAULT_STEPS: readonly Step[] = [
  ['a service with bugs, in the pool, gets AccessDenied from DynamoDB itself', (scene) => runBuggyService(scene)],
  [
    'a failing image ends in the state failed with the exit code, and leaves nothing behind; a retry converges',
    (scene) => onboardWithFailingImage(scene),
  ],
  [
    'a lost request, sent again, and a doubled one lead to the same state: one key, one mail',
    (scene) => onboardWithLostEvent(scene),
  ],
  [
    'a killed task of a tenant with its own services is replaced',
    async (scene) => {
      const tenant = scene.tenant(tenantOfTier(tierWith('service')));
      const { engine } = scene;
      const task = { service: 'products', tenantId: tenant.tenantId };
      const before = containersOf(engine, task);
      const [killed = ''] = before;
      const started = performance.now();
      engine.run('kill', killed);
      const isReplaced = async () => {
        const now = containersOf(engine, task);
        if (now.length < before.length || now.includes(killed)) return false;
        return (await tenant.administrator('GET', '/products')).status === 200;
      };
      const failure = () => `the task is not replaced after ${WITHIN_MS} ms`;
      await until(isReplaced, { withinMs: WITHIN_MS, everyMs: POLL_MS, failure });
      return `one of ${before.length} was replaced after ${Math.round(performance.now() - started)} ms`;
    },
  ],
];

/** The bug service runs in place of the pool's products, whose table holds the data of several tenants. */
async function runBuggyService(scene: ProductScene): Promise<string> {
  const victim = scene.tenant('self-made');
  const attacker = scene.tenant(tenantOfTier(tierWith('pool')));
  const program = join(scene.account.directory, 'buggy-service.cjs');
  await bundleContainer(BUGGY_SERVICE, { outfile: program, define: { VICTIM: JSON.stringify(victim.tenantId) } });
  const own = scene.products.get(attacker.registered.name);
  const detail = await whileServiceRuns(scene.engine, { service: 'products', program }, async () => {
    await replacePooledTasks(scene, 'products', async () => (await read(own, '/prefix')).status === 403);
    const productId = scene.products.get(victim.registered.name);
    for (const path of ['', '/no-tenant', '/prefix']) {
      const { status, text, body } = await read(productId, path);
      assert.equal(status, 403, text);
      assert.equal((body as { type?: string }).type, 'urn:tierplane:problem:access-denied');
      assert(!text.includes('Own beans'), text);
    }
    const written = await attacker.administrator('POST', '/products');
    assert.equal(written.status, 403, written.text);
    return deniedTo(scene, attacker.tenantId);
  });
  await replacePooledTasks(scene, 'products', async () => (await read(own, '')).status === 200);
  return detail;

  function read(productId = '', path: string) {
    return attacker.administrator('GET', `/products/${productId}${path}`);
  }
}

/** Kills the pool's tasks of a service and waits until those that replace them serve. */
async function replacePooledTasks({ engine }: ProductScene, service: string, serves: () => Promise<boolean>) {
  const before = containersOf(engine, { service });
  assert(before.length > 0, `the pool must run ${service}`);
  engine.run('kill', ...before);
  const hasOthers = () => containersOf(engine, { service }).filter((name) => !before.includes(name)).length;
  await until(async () => (await serves()) && hasOthers() === before.length, {
    ...{ withinMs: WITHIN_MS, everyMs: POLL_MS },
    failure: () => `the new tasks of ${service} do not serve after ${WITHIN_MS} ms`,
  });
}

/** The calls that IAM has denied to the tenant's sessions, by the emulator's log. */
function deniedTo({ account }: ProductScene, tenantId: string): string {
  const line = new RegExp(`:assumed-role/\\S+/${tenantId} was denied (dynamodb:\\w+) on `, 'g');
  const denied = [...account.log().matchAll(line)].map(([, action]) => action);
  assert(denied.includes('dynamodb:GetItem') && denied.length >= 4, `IAM must have denied the calls, got ${denied}`);
  return `IAM denied ${denied.join(', ')}`;
}

async function onboardWithFailingImage(scene: ProductScene): Promise<string> {
  const program = join(scene.account.directory, 'failing-service.cjs');
  writeFileSync(program, `console.error('cannot start'); process.exit(${EXIT_CODE});\n`);
  const started = performance.now();
  const { registered, reason, ms } = await whileServiceRuns(scene.engine, { service: 'orders', program }, async () => {
    const registered = await scene.register('failing', tierWith('service'));
    const { reason = '' } = await scene.untilState(registered, 'failed');
    return { registered, reason, ms: Math.round(performance.now() - started) };
  });
  assert.match(reason, new RegExp(`orders exited with ${EXIT_CODE}\\b`));
  await untilNothingIsLeft(scene, { ...registered, isRegistered: true });
  const { registrationId } = registered;
  const retried = await scene.request('POST', `/tenant-registrations/${registrationId}/retry`);
  assert.equal(retried.status, 200, retried.text);
  const tenant = await scene.untilActive(registered);
  scene.products.set('failing', await createProduct(await tenant.signInAdministrator(), 'Late beans'));
  return `failed after ${ms} ms: ${reason}`;
}

async function onboardWithLostEvent(scene: ProductScene): Promise<void> {
  const tier = tierWith('pool');
  await scene.watch.seen(0);
  const { registered, request } = await whileRequestsAreLost(scene.installation, async () => {
    const registered = await scene.register('unheard', tier);
    const [request] = await scene.watch.seen();
    assert(request, 'the request must be on the bus');
    return { registered, request };
  });
  const event = { ...request, source: CONTROL_PLANE_SOURCE };
  await Promise.all([scene.watch.put(event), scene.watch.put(event)]);
  const tenant = await scene.untilActive(registered);
  await scene.watch.put(event);
  scene.products.set('unheard', await createProduct(await tenant.signInAdministrator(), 'Heard beans'));
  assert.equal((await mailsTo(scene.account, registered.email)).length, 1);
  const found = await leftoversOf(scene, registered);
  assert.equal(found.filter((one) => one.startsWith('API key ')).length, 1);
  assert.equal(found.filter((one) => one.startsWith('user ')).length, 1);
}
