import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { thirdPartyNotices } from '../../scripts/third-party-notices.ts';

const root = mkdtempSync(join(tmpdir(), 'tp-notices-'));
afterAll(() => rmSync(root, { recursive: true }));

function addPackage(name: string, license: string): string {
  const folder = join(root, 'node_modules', name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, version: '1.2.3', license }));
  writeFileSync(join(folder, 'LICENSE'), `Copyright the authors of ${name}\n`);
  return join('node_modules', name, 'index.js');
}

test('the notices hold each bundled package once, with its licence text', () => {
  const inputs = [
    addPackage('@scope/one', 'MIT'),
    addPackage('two', 'ISC'),
    'node_modules/two/lib/b.js',
    'core/errors.ts',
  ];
  const text = thirdPartyNotices(root, inputs);
  expect(text.match(/^\S+ 1\.2\.3 \(.*\)$/gm)).toEqual(['@scope/one 1.2.3 (MIT)', 'two 1.2.3 (ISC)']);
  expect(text).toContain('Copyright the authors of @scope/one');
});

test('a package whose licence is not permissive is refused', () => {
  expect(() => thirdPartyNotices(root, [addPackage('three', 'GPL-3.0')])).toThrow(
    /^three 1\.2\.3 must have one of the licences .*, got GPL-3\.0$/,
  );
});
