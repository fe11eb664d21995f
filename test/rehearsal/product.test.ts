import { expect, jest, test } from '@jest/globals';
import { missingContainerEngine } from '../../rehearsal/container-engine.ts';
import { missingPython } from '../../rehearsal/python-environment.ts';
import { TIER_NAMES } from '../../tenant-templates/tiers.ts';
import { describeUnless } from '../support/requirements.ts';
import { leftBehind, NOTHING, run } from './leftovers.ts';

jest.setTimeout(1_200_000);

interface Step {
  readonly name: string;
  readonly ms: number;
  readonly ok: boolean;
}

describeUnless(missingPython() ?? missingContainerEngine(), 'npm run aws:rehearse', () => {
  test('DX-7: installs the whole product into an emulated account, uses and deletes it, and leaves nothing running', async () => {
    const left = await leftBehind(async (env) => {
      const { code, stdout, stderr } = await run(process.execPath, ['rehearsal/product/command.ts', '--json'], env);
      // The times belong into the log of every run.
      process.stderr.write(stderr);
      const { ok, steps, peakMemoryBytes } = JSON.parse(stdout) as {
        readonly ok: boolean;
        readonly steps: readonly Step[];
        readonly peakMemoryBytes: number;
      };
      expect(steps.filter((step) => !step.ok)).toEqual([]);
      expect({ ok, code }).toEqual({ ok: true, code: 0 });
      expect(steps.at(-1)?.name).toBe('scripts/cleanup/cleanup.sh leaves nothing but what the CDK needs');
      for (const tier of TIER_NAMES) {
        expect(steps.map(({ name }) => name)).toContain(`a ${tier} tenant is registered, and serves`);
      }
      expect(peakMemoryBytes).toBeLessThan(3 * 2 ** 30);
    });
    expect(left).toEqual(NOTHING);
  });
});
