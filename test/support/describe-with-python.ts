import { describe } from '@jest/globals';
import { missingPython } from '../../rehearsal/python-environment.ts';

/**
 * Tests that need Python, for the emulated account or the linter. Where the machine has none they say so and are skipped;
 * in CI (`CI=true`) they fail instead.
 */
export function describeWithPython(title: string, suite: () => void): void {
  const missing = process.env.CI === 'true' ? undefined : missingPython();
  if (missing === undefined) {
    describe(title, suite);
    return;
  }
  process.stderr.write(`skipped: ${title}: ${missing}\n`);
  describe.skip(`${title} (skipped: ${missing})`, suite);
}
