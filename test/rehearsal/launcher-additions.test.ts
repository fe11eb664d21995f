import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { launcherSource, recordedTypes } from './launcher-source.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/aws-proof.md'), 'utf8');

/** The AWS pages that a text links, without headings within them. */
const linksIn = (text: string): string[] =>
  [...text.matchAll(/https:\/\/docs\.aws\.amazon\.com\/[^\s)"#]+/g)].map(([link]) => link);

/** The types in the row of the page. A name without a service is of the service before it. */
function typesOfThePage(): string[] {
  const row = /^\| Recorded without effect, [^|]+\|/m.exec(PAGE)?.[0] ?? '';
  let service = '';
  return [...row.matchAll(/`([\w:]+)`/g)].map(([, name = '']) => {
    if (!name.includes('::')) return `${service}::${name}`;
    service = name.split('::').slice(0, 2).join('::');
    return name;
  });
}

describe('docs/aws-proof.md', () => {
  test('links every AWS page that the launcher cites', () => {
    const linked = new Set(linksIn(PAGE));
    const cited = [...launcherSource()].flatMap(([file, source]) => linksIn(source).map((link) => ({ file, link })));
    expect(cited.length).toBeGreaterThan(40);
    expect(cited.filter(({ link }) => !linked.has(link))).toEqual([]);
  });

  test('names the resource types that the launcher records without effect', () => {
    expect(recordedTypes().length).toBeGreaterThan(10);
    expect(typesOfThePage().sort()).toEqual(recordedTypes());
  });
});
