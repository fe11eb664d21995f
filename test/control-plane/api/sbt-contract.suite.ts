import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CONTRACT, type ContractEvent, ContractReplay, DIFFERENCES } from '../../../rehearsal/recorded-contract.ts';
import type { CallOptions, Reply } from './home.ts';

/** A control plane of either home, with an admin called 'admin' and no tenant. */
export interface ContractHome {
  /** Sends the token 'admin', 'machine', 'none', or text that is not a token. */
  call(method: string, path: string, body: unknown, options: CallOptions): Promise<Reply>;
  /** Every event that was sent, oldest first. */
  events(): Promise<readonly ContractEvent[]>;
  close(): Promise<void>;
}

/** Replays recorded requests to SBT's own functions and compares the responses. docs/sbt-contract.md lists every difference. */
export function sbtContract(name: string, open: () => Promise<ContractHome>): void {
  describe(`the recorded contract of SBT's own functions, by the ${name} home`, () => {
    let home: ContractHome;
    let replay: ContractReplay;

    beforeAll(async () => {
      home = await open();
      replay = new ContractReplay(async ({ method, path, body, ...options }) => {
        const response = await home.call(method, path, body, options);
        return { ...response, contentType: response.headers.get('content-type') ?? undefined };
      });
      await replay.run();
    });
    afterAll(async () => home?.close());

    test('has 62 steps, none of which gets a 5xx response', () => {
      expect(CONTRACT.steps).toHaveLength(62);
      expect(CONTRACT.steps.filter((step) => (replay.statusOf(step) ?? 500) >= 500)).toEqual([]);
    });

    test('lists only existing steps in its table of differences, each once', () => {
      const named = DIFFERENCES.map(({ step }) => step);
      expect(named).toEqual([...new Set(named)]);
      expect(named.filter((name) => !CONTRACT.steps.some((step) => step.name === name))).toEqual([]);
    });

    test.each(CONTRACT.steps.map((step) => [step.name, step] as const))('is kept at: %s', (_name, step) => {
      expect(replay.errorOf(step)).toBeUndefined();
    });

    test('differs in status only to a clear 4xx', () => {
      const changed = CONTRACT.steps.filter((step) => step.response.status !== replay.statusOf(step));
      const statuses = changed.map((step) => replay.statusOf(step));
      expect(statuses.filter((status) => ![400, 404, 409, 422].includes(status ?? 0))).toEqual([]);
    });

    test("sends SBT's events, except those in the table", async () => {
      expect(replay.eventErrors(await home.events())).toEqual([]);
    });
  });
}
