import TestSequencer from '@jest/test-sequencer';

/**
 * The longest suites, longest first. Without times of an earlier run, Jest starts large files first, and these files are
 * small: one of them at the end would run alone. Two suites that create the same Python environment do not start together.
 */
const LONGEST = [
  'test/openapi/schemathesis.test.ts',
  'test/e2e/crash.test.ts',
  'test/rehearsal/rehearsal.test.ts',
  'test/e2e/overload.test.ts',
  'test/rehearsal/task.test.ts',
];

/** Jest's own order, behind the longest suites if Jest does not know how long they take. */
export default class LongestFirst extends TestSequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    const place = ({ path, duration }) => {
      const index = LONGEST.findIndex((one) => path.endsWith(`/${one}`));
      return index < 0 || duration !== undefined ? LONGEST.length : index;
    };
    return sorted.sort((a, b) => place(a) - place(b));
  }
}
