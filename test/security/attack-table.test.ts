import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { testNames } from '../../scripts/capabilities.ts';

const ROOT = join(import.meta.dirname, '../..');
const PAGE = readFileSync(join(ROOT, 'docs/security.md'), 'utf8');
const ON_AWS = /^SE-1\.(\d+) on AWS: (.*)$/;
const NUMBERS = Array.from({ length: 16 }, (_, i) => i + 1);

/** The rows of the table below a heading of docs/security.md, as lists of cells. */
function rowsBelow(heading: string): string[][] {
  const section = PAGE.split(`### ${heading}\n`)[1]?.split(/\n##+ /)[0] ?? '';
  const rows = section.split('\n').filter((line) => /^\| \d+ \|/.test(line));
  return rows.map((row) => row.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')));
}

/** The paths of tests in a cell, without `.test` and `.ts`. */
function filesIn(cell: string): string[] {
  return [...cell.matchAll(/`(test\/[^`]+)`/g)].map(([, path = '']) => path.replace(/\.ts$/, ''));
}

function isThere(path: string): boolean {
  return ['', '.ts', '.test.ts'].some((ending) => existsSync(join(ROOT, `${path}${ending}`)));
}

describe('the table of attacks in docs/security.md', () => {
  const onAws = rowsBelow('On AWS');
  const embedded = rowsBelow('In the embedded home');

  test('SE-1: has all sixteen attacks, and each attack on AWS with the name of its tests', () => {
    expect([...new Set(onAws.map(([number]) => Number(number)))]).toEqual(NUMBERS);
    const listed = onAws.map(([number, name, , file]) => [filesIn(file ?? '')[0], number, name]);
    const tested = testNames().flatMap(({ file, name }) => {
      const [, number, attack] = ON_AWS.exec(name) ?? [];
      return attack === undefined ? [] : [[file.replace(/(\.test)?\.ts$/, ''), number, attack]];
    });
    expect(tested.map(String).sort()).toEqual(listed.map(String).sort());
  });

  test.each(onAws)('SE-1: of attack %s, the test "%s" removes %s', (_number, _name, controls = '', cell = '') => {
    const [file = ''] = filesIn(cell);
    const path = [`${file}.test.ts`, `${file}.ts`].find((one) => existsSync(join(ROOT, one))) ?? file;
    const source = readFileSync(join(ROOT, path), 'utf8');
    const removed = controls.split('; ').map((control) => control.replace('each header', ''));
    expect(removed.filter((control) => !source.includes(control))).toEqual([]);
    expect(/attackOn\(|succeeds in a copy/.test(source)).toBe(true);
  });

  test('SE-1: names only tests of the embedded home that are there', () => {
    const files = embedded.flatMap((cells) => filesIn(cells.at(-1) ?? ''));
    expect(files.length).toBeGreaterThan(20);
    expect(files.filter((path) => !isThere(path))).toEqual([]);
    const elsewhere = NUMBERS.filter((number) => !embedded.some(([listed]) => Number(listed) === number));
    expect(elsewhere).toEqual([4, 6, 12]);
  });
});
