import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { isNoticed, type Judged } from '../../../scripts/mutation/campaign.ts';
import { earlierVerdicts, readEarlier } from '../../../scripts/mutation/earlier.ts';
import { instrument } from '../../../scripts/mutation/instrument.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tp-earlier-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const BEFORE = "const a = 'x';\nconst b = !c;\nconst a = 'x';\n";
const earlier: readonly Judged[] = instrument('file.ts', BEFORE).mutants.map((mutant, at) => ({
  ...mutant,
  result: at === 0 ? 'survived' : 'killed',
  by: `test ${at}`,
}));

test('an earlier verdict holds for the same change of the same line, wherever it has moved', () => {
  const { mutants } = instrument('file.ts', `// A new line.\n${BEFORE}`, 10);
  const verdicts = earlierVerdicts(mutants, earlier);
  expect([...verdicts].map(([id, { line, result, by }]) => [id, line, result, by])).toEqual([
    [10, 2, 'survived', 'test 0'],
    [11, 3, 'killed', 'test 1'],
    [12, 4, 'killed', 'test 2'],
  ]);
});

test('a change of another file or of another line has no earlier verdict', () => {
  expect(earlierVerdicts(instrument('other.ts', BEFORE).mutants, earlier).size).toBe(0);
  expect(earlierVerdicts(instrument('file.ts', "const a = 'y';\nconst b = !d;\n").mutants, earlier).size).toBe(0);
});

test('only mutants that a test has noticed, or whose test timed out, need no other try', () => {
  const results = ['killed', 'timeout', 'survived', 'uncovered'] as const;
  expect(results.map((result) => isNoticed({ ...earlier[0], result } as Judged))).toEqual([true, true, false, false]);
  expect(isNoticed(undefined)).toBe(false);
});

test('the result of an earlier run is read from its file, and any other file is refused', () => {
  const file = join(folder, 'result.json');
  writeFileSync(file, JSON.stringify({ scores: [], mutants: earlier, unusable: [] }));
  expect(readEarlier(file)).toEqual(earlier);
  for (const text of ['', '[]', '{"mutants":7}']) {
    writeFileSync(file, text);
    expect(() => readEarlier(file)).toThrow(`--again must name a result that --json wrote, got '${file}'`);
  }
  expect(() => readEarlier(join(folder, 'absent.json'))).toThrow(TypeError);
});
