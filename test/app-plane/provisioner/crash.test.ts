import { describe, expect, test } from '@jest/globals';
import type { Envelope } from '../../../core/ports/event-bus.ts';
import type { Step } from '../../../core/progress/step.ts';
import type { TierName } from '../../../core/tier/tiers.ts';
import { TIER_NAMES } from '../../../tenant-templates/tiers.ts';
import { NOTHING, offboarding, onboarding, type Process, tenantId, World } from './world.ts';

/** Counts the points that a process passes, and kills it at the n-th (from 0). */
function killAt(world: World, process: Process, n: number): () => readonly string[] {
  const passed: string[] = [];
  process.point = (name) => {
    if (passed.push(name) === n + 1) world.kill(process);
  };
  return () => passed;
}

/** Delivers an event to a process that dies at point `n`, and, if it was not accepted, to the next process. */
async function handleThroughCrash(
  world: World,
  first: Process,
  n: number,
  event: Envelope,
  id: string,
  withStacks: boolean,
) {
  const passed = killAt(world, first, n);
  const end = event.detailType === 'onboardingRequest' ? 'ready' : 'gone';
  let accepted = await world.deliver(first, event);
  await world.untilPhase(first, id, end);
  let process = first;
  if (first.isDead()) {
    process = await world.running({ withStacks });
    if (!accepted) accepted = await world.deliver(process, event);
    await world.untilPhase(process, id, end);
    await process.provisioner.idle();
  }
  expect(accepted).toBe(true);
  process.point = () => undefined;
  return { process, passed: passed() };
}

/** The steps of a result that are not recorded as done, with an end. */
function unended(result: Envelope | undefined): unknown[] {
  const { detail } = result as { detail: unknown } as { detail: { jobOutput: { tenantData: { steps: Step[] } } } };
  const { steps } = detail.jobOutput.tenantData;
  return steps.filter(({ status, endedAt }) => status !== 'done' || endedAt === undefined);
}

const normal = <T>(traces: T, id: string): unknown => JSON.parse(JSON.stringify(traces).replaceAll(id, '<id>'));

/** Whose work ends within a pass, and whose work goes on elsewhere. A pooled tenant has no such work. */
const CASES: [TierName, string, boolean][] = [
  ...TIER_NAMES.map((tier): [TierName, string, boolean] => [tier, '', false]),
  ['advanced', ' with a stack', true],
  ['premium', ' with a stack', true],
];

describe.each(CASES)('a crash of the platform while a %s tenant%s', (tier, _with, withStacks) => {
  test('is onboarded, at any step, leads to the same result as no crash', async () => {
    await using world = new World();
    let process = await world.running({ withStacks });
    const other = await world.onboard(process, tier);
    const expected = normal(await world.traces(other), other);

    for (let n = 0, crashed = true; crashed; n++) {
      world.clock.advance(1);
      const id = tenantId();
      const run = await handleThroughCrash(world, process, n, onboarding(id, tier), id, withStacks);
      process = run.process;
      crashed = run.passed.length > n;
      expect(crashed || n > 10).toBe(true);
      expect({ n, at: run.passed.at(-1), ...(normal(await world.traces(id), id) as object) }).toEqual({
        n,
        at: run.passed.at(-1),
        ...(expected as object),
      });
      const results = await world.results(id);
      expect(results.map((event) => event.detailType)).toEqual(['provisionSuccess']);
      expect(unended(results[0])).toEqual([]);
    }
    await process.provisioner.idle();
    expect(normal(await world.traces(other), other)).toEqual(expected);
  });

  test('is offboarded, at any step, leads to the same result as no crash', async () => {
    await using world = new World();
    let process = await world.running({ withStacks });
    const other = await world.onboard(process, tier);
    const expected = await world.traces(other);

    for (let n = 0, crashed = true; crashed; n++) {
      world.clock.advance(1);
      const id = await world.onboard(process, tier);
      if (!withStacks) world.data.tenants.add(id);
      world.clock.advance(1);
      const run = await handleThroughCrash(world, process, n, offboarding(id), id, withStacks);
      process = run.process;
      crashed = run.passed.length > n;
      expect(crashed || n > 10).toBe(true);
      expect({ n, at: run.passed.at(-1), ...(await world.traces(id)) }).toEqual({
        n,
        at: run.passed.at(-1),
        placement: { phase: 'gone', desired: 'absent' },
        ...NOTHING,
      });
      const results = await world.results(id);
      expect(results.map((event) => event.detailType)).toEqual(['provisionSuccess', 'deprovisionSuccess']);
      expect(results.flatMap(unended)).toEqual([]);
    }
    await process.provisioner.idle();
    expect(await world.traces(other)).toEqual(expected);
  });
});
