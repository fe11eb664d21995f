import { describe, expect, test } from '@jest/globals';
import { currentDocument, definedIds, idsIn, namesIn, testNames, withTests } from '../scripts/capabilities.ts';

describe('the ids in the names of tests', () => {
  const names = testNames();

  test('are defined in docs/capabilities.md', () => {
    const defined = new Set(definedIds());
    const ids = (name: string) => [...idsIn(name), ...(/^[A-Z]+-\d+(?:\.\d+)?(?=: )/.exec(name) ?? [])];
    const unknown = names.filter(({ name }) => ids(name).some((id) => !defined.has(id)));
    expect(unknown).toEqual([]);
  });

  test('are defined once', () => {
    const ids = definedIds();
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
    expect(ids.length).toBeGreaterThan(90);
  });

  test('are listed with their test files in docs/capabilities.md, as `npm run docs:capabilities` writes them', () => {
    const document = currentDocument();
    // On a difference: run `npm run docs:capabilities` and commit docs/capabilities.md.
    expect(document).toBe(withTests(document, names));
  });

  test('use an apostrophe, not a backtick, in words such as tenant’s', () => {
    const wrong = names.filter(({ name }) => /\p{L}`\p{L}/u.test(name));
    expect(wrong).toEqual([]);
  });

  test.each([
    ["test('ON-1: a', f)", ['ON-1: a']],
    ["test.each([['ON-2']])('a %s', f)", ['a %s']],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the source of a template.
    ['describe.each(rows)(`ON-3: ${name} b`, f)', ['ON-3: … b']],
    ["describeWithPython('c', f)", ['c']],
    ["expect('ON-1')", []],
  ])('are found in %s', (source, found) => {
    expect(namesIn(source)).toEqual(found);
  });

  test('are found in a name, also those of the single attacks', () => {
    expect(idsIn('SE-1.2, RT-1: a token of another issuer is refused by ON-X')).toEqual(['SE-1.2', 'RT-1']);
  });

  test('belong to the row of a file in which they stand', () => {
    const document = '| Id | Meaning | Tests |\n|---|---|---|\n| ON-1 | A. |  |\n| ON-2 | B. | `old.test.ts` |\n';
    const some = [
      { file: 'test/b.test.ts', name: 'ON-1: b' },
      { file: 'test/a.test.ts', name: 'ON-1: a' },
    ];
    expect(withTests(document, some)).toBe(
      '| Id | Meaning | Tests |\n|---|---|---|\n| ON-1 | A. | `a.test.ts`<br>`b.test.ts` |\n| ON-2 | B. |  |\n',
    );
  });
});
