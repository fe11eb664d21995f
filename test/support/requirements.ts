import { describe, test } from '@jest/globals';

const IN_CI = process.env.CI === 'true';

/**
 * A suite that needs something of the machine. Without it the suite is skipped with a message; in CI (`CI=true`) it runs
 * anyway, and fails.
 * @param missing what the machine lacks; undefined if nothing
 */
export function describeUnless(missing: string | undefined, title: string, suite: () => void): void {
  if (missing === undefined || IN_CI) {
    describe(title, suite);
    return;
  }
  process.stderr.write(`skipped: ${title}: ${missing}\n`);
  describe.skip(`${title} (skipped: ${missing})`, suite);
}

/** As `describeUnless`, for single tests. */
export function testUnless(missing: string | undefined): typeof test | typeof test.skip {
  return missing === undefined || IN_CI ? test : test.skip;
}
