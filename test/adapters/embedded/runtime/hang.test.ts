import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { until } from '../../../support/until.ts';
import {
  deploy,
  getFrom,
  isAlive,
  parentOf,
  premium,
  silo,
  startPlatform,
  type TestPlatform,
  taskOf,
} from './platform.ts';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await startPlatform();
});
afterAll(async () => platform.remove());

test('OB-5: a hung agent is replaced with its tasks within five seconds, and others run on', async () => {
  const [spec, other] = [premium('tenanthang1'), silo('tenanthang2')];
  await deploy(platform.runtime, [spec, other]);
  const [first, neighbor] = [await taskOf(platform.runtime, spec), await taskOf(platform.runtime, other)];
  const agent = parentOf(first.pid);
  const before = performance.now();
  process.kill(agent, 'SIGSTOP');
  const second = await until(async () => {
    const task = await taskOf(platform.runtime, spec);
    return task.pid !== first.pid && task;
  });
  const tookMs = performance.now() - before;
  expect((await getFrom(second.endpoint, '/healthz')).status).toBe(200);
  expect([first.pid, agent].map(isAlive)).toEqual([false, false]);
  expect((await taskOf(platform.runtime, other)).pid).toBe(neighbor.pid);
  expect(platform.runtime.agents().find(({ cluster }) => cluster === spec.cluster)).toMatchObject({
    restarts: 1,
    lastFailure: 'hung',
  });
  process.stderr.write(`a hung agent was replaced after ${Math.round(tookMs)} ms\n`);
});
