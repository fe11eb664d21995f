import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Judged, MutationCampaign } from '../../scripts/mutation/campaign.ts';
import { instrument } from '../../scripts/mutation/instrument.ts';
import { renderReport, scores } from '../../scripts/mutation/report.ts';
import { sampleOf } from '../../scripts/mutation/sample.ts';
import { changedLines, gitFiles, makeWorkingCopy, relatedTests } from '../../scripts/mutation/working-copy.ts';

const ROOT = join(import.meta.dirname, '../..');

/** The changes of one piece of source, as `rule: the changed line`. */
function changesOf(source: string): string[] {
  return instrument('file.ts', source).mutants.map(({ mutator, after }) => `${mutator}: ${after}`);
}

describe('the mutations of a source file', () => {
  test.each<[source: string, changes: string[]]>([
    ['x = a < b;', ['boundary: x = a <= b;', 'comparison: x = a >= b;', 'statement: ']],
    ['const x = a === b;', ['equality: const x = a !== b;']],
    ['if (!a) b = c;', ['condition: if (true) b = c;', 'condition: if (false) b = c;', 'statement: if (!a)']],
    ['while (a) b;', ['condition: while (false) b;']],
    ['const x = a && b;', ['left of &&: const x = a;', 'right of &&: const x = b;']],
    ['const x = a ?? b;', ['left of ??: const x = a;', 'right of ??: const x = b;']],
    ["const x = typeof a === 'string';", ["equality: const x = typeof a !== 'string';"]],
    ['const x = !a;', ['negation: const x = a;']],
    ['const x = true;', ['boolean: const x = false;']],
    ["const x = 'a';", ['string: const x = "";']],
    ['const x = [a];', ['array: const x = [];']],
    ['const x = a?.b?.(c).d;', ['optional chain: const x = a.b?.(c).d;', 'optional chain: const x = a?.b(c).d;']],
    ['const f = () => a;', ['return value: const f = () => undefined;']],
    ['const f = () => { a(); };', ['statement: const f = () => { };']],
    ['const x = a + b * 2;', ['arithmetic: const x = a + b / 2;', 'arithmetic: const x = a - b * 2;']],
    ['const x = a.some(f);', ['method: const x = a.every(f);']],
    ['const x = a.filter(f);', ['without .filter(): const x = a;']],
    ['const x = Math.min(a, b);', ['method: const x = Math.max(a, b);']],
    ['const x = /^a$/;', ['anchor: const x = /a$/;', 'anchor: const x = /^a/;']],
    ["throw new DomainError('INVALID', 'no a');", ['string: throw new DomainError("", \'no a\');']],
  ])('change %s in every way that a test could notice', (source, changes) => {
    expect(changesOf(source).toSorted()).toEqual(changes.toSorted());
  });

  test.each([
    "import a from 'a';",
    "export { a } from 'a';",
    "type A = 'a' | 'b';",
    "const x: 'a' = b;",
    "const { 'a': x } = b;",
    "log.info('started');",
    "throw new Error('not possible');",
    'a`b`;',
    'const x = a.toString();',
  ])('leave %s alone where a change means nothing to a test', (source) => {
    expect(changesOf(source)).toEqual([]);
  });

  test('keep their line, also after characters of more than one byte', () => {
    const { mutants } = instrument('file.ts', "// ’\nconst é = 'ü';\n");
    expect(mutants.map(({ line, before, after }) => [line, before, after])).toEqual([
      [2, "const é = 'ü';", 'const é = "";'],
    ]);
  });

  test('switch one at a time, and leave the original where none is switched on', () => {
    const { text } = instrument('file.ts', 'if (a) b("x"); else if (a && c) d();');
    expect(text.replace(/^const .*?; /, '')).toBe(
      'if ((__mutant(0)?(true):__mutant(1)?(false):(a))) {if(!__mutant(3)){b((__mutant(2)?(""):("x")));}} else ' +
        'if ((__mutant(4)?(true):__mutant(5)?(false):__mutant(6)?(a):__mutant(7)?(c):(a && c))) {if(!__mutant(8)){d();}}',
    );
  });
});

describe('a sample of the mutants', () => {
  const mutants = Array.from({ length: 200 }, (_, id) => ({ id }));
  const idsOf = (count: number, seed: string) => sampleOf(mutants, count, seed).map(({ id }) => id);

  test('has the size, is in order, and depends on the seed only', () => {
    const ids = idsOf(50, '1');
    expect(ids).toHaveLength(50);
    expect(new Set(ids).size).toBe(50);
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    expect(idsOf(50, '1')).toEqual(ids);
    expect(idsOf(50, '2')).not.toEqual(ids);
    expect(Math.max(...ids) - Math.min(...ids)).toBeGreaterThan(100);
  });

  test('has every mutant if it is larger than their number', () => {
    expect(idsOf(500, '1')).toEqual(mutants.map(({ id }) => id));
  });
});

describe('a mutation run over a small project', () => {
  let project: string;
  let judged: readonly Judged[];
  let report: string;

  beforeAll(async () => {
    project = mkdtempSync(join(tmpdir(), 'tp-project-'));
    write('core/limit.ts', 'export const isOver = (n: number, max: number): boolean => n > max;\n');
    write(
      'core/wait.ts',
      'export function countTo(n: number) {\n  let i = 0;\n  for (; i < n; i += 1);\n  return i;\n}\n',
    );
    write('core/unused.ts', 'export const nobody = true;\n');
    write(
      'test/limit.test.ts',
      `import { expect, test } from '@jest/globals';
       import { countTo } from '../core/wait.ts';
       import { isOver } from '../core/limit.ts';
       test('counts', () => { expect(countTo(3)).toBe(3); });
       test.each([[1, 2, false], [3, 2, true]])('%d over %d', (n, max, over) => { expect(isOver(n, max)).toBe(over); });
       test('fails anyhow', () => { expect(isOver(1, 1)).toBe(true); });`,
    );
    symlinkSync(join(ROOT, 'node_modules'), join(project, 'node_modules'));
    execFileSync('git', ['init', '-q'], { cwd: project });
    writeFileSync(join(project, '.gitignore'), 'node_modules\n');
    const copy = makeWorkingCopy(project, gitFiles(project, ['core']));
    const campaign = new MutationCampaign(copy, {
      workers: 1,
      budgetMs: 5_000,
      testsOf: relatedTests(project),
      silenceMs: 2_000,
      progress: () => undefined,
    });
    await campaign.run(copy.mutants);
    copy.remove();
    judged = campaign.result.judged;
    report = renderReport(campaign.result);
  }, 60_000);

  afterAll(() => {
    rmSync(project, { recursive: true, force: true });
  });

  function write(file: string, text: string): void {
    mkdirSync(join(project, file, '..'), { recursive: true });
    writeFileSync(join(project, file), text);
  }

  const resultOf = (file: string, mutator: string) =>
    judged.filter((one) => one.file === file && one.mutator === mutator).map(({ result }) => result);

  test('reports a change that a test notices as killed, with the test', () => {
    const [opposite] = judged.filter((one) => one.mutator === 'comparison' && one.file === 'core/limit.ts');
    expect(opposite).toMatchObject({ result: 'killed', by: 'test/limit.test.ts: 1 over 2' });
  });

  test('reports a change that no test notices as survived, with its place and both lines', () => {
    expect(resultOf('core/limit.ts', 'boundary')).toEqual(['survived']);
    expect(report).toContain(
      'core/limit.ts:1  boundary  (survived)\n' +
        '  - export const isOver = (n: number, max: number): boolean => n > max;\n' +
        '  + export const isOver = (n: number, max: number): boolean => n >= max;',
    );
  });

  test('ends a loop that a change makes endless, and counts it as timed out', () => {
    expect(resultOf('core/wait.ts', 'assignment')).toEqual(['timeout']);
  });

  test('reports a place that no test reaches', () => {
    expect(resultOf('core/unused.ts', 'boolean')).toEqual(['uncovered']);
    expect(scores(judged).at(-1)).toMatchObject({ folder: 'all', mutants: judged.length, uncovered: 1 });
  });

  test('ignores a test that fails without a change', () => {
    expect(report).toContain('test/limit.test.ts: fails anyhow: ');
  });

  test('leaves nothing in the project and no copy behind', () => {
    expect(readFileSync(join(project, 'core/unused.ts'), 'utf8')).toBe('export const nobody = true;\n');
    expect(readdirSync(project).toSorted()).toEqual(['.git', '.gitignore', 'core', 'node_modules', 'test']);
  });

  test('can be narrowed to the lines that changed since a revision', () => {
    execFileSync('git', ['add', '.'], { cwd: project });
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-qm', 'all'], { cwd: project });
    write(
      'core/wait.ts',
      'export function countTo(n: number) {\n  let i = 0;\n  for (; i <= n; i += 1);\n  return i;\n}\n',
    );
    expect([...changedLines(project, 'HEAD')]).toEqual([['core/wait.ts', new Set([3])]]);
  });
});
