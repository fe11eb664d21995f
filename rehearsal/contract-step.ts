import assert from 'node:assert/strict';
import type { BusWatch } from './bus-watch.ts';
import { type Installation, machineToken } from './installation.ts';
import { CONTRACT, ContractReplay } from './recorded-contract.ts';

/**
 * Replays SBT's recorded contract against an installation that has no tenants. `watch` has received no event before, and the
 * application plane, if there is one, works on no request meanwhile: the record has none. Throws with every difference.
 */
export async function replayContract(installation: Installation, admin: string, watch: BusWatch): Promise<void> {
  const known: Record<string, string> = { admin, machine: await machineToken(installation) };
  const replay = new ContractReplay(async ({ method, path, token, headers, body }) => {
    const response = await installation.call(method, path, {
      ...(token !== 'none' && { token: `Bearer ${known[token] ?? token}` }),
      ...(headers && { headers }),
      ...(body !== undefined && { body }),
    });
    return { ...response, contentType: response.headers['content-type']?.toString() };
  });
  await replay.run();
  const errors = CONTRACT.steps.map((step) => [step.name, replay.errorOf(step)]);
  assert.deepEqual(
    errors.filter(([, error]) => error !== undefined),
    [],
  );
  assert.deepEqual(replay.eventErrors(await watch.seen(5)), []);
}
