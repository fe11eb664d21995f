import { describe } from '@jest/globals';
import { missingPython } from '../../rehearsal/python-environment.ts';

/**
 * A suite that needs Python, for the emulated account or the linter. Without Python the suite is skipped with a message; in
 * CI (`CI=true`) it fails instead.
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
