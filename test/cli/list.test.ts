import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { CliError } from '../../cli/exit-codes.ts';
import { itemsToList } from '../../cli/list.ts';

let notes: string[] = [];
beforeEach(() => {
  notes = [];
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => notes.push(String(text)) > 0);
});
afterEach(() => {
  jest.restoreAllMocks();
});

async function* numbers(count: number): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) yield i;
}

describe('a list of the command line', () => {
  test('DX-2: has every item, and reports nothing, without a limit', async () => {
    expect(await itemsToList(numbers(1_010), {}, 'tenants')).toHaveLength(1_010);
    expect(await itemsToList(numbers(1_010), { all: true }, 'tenants')).toHaveLength(1_010);
    expect(notes).toEqual([]);
  });

  test.each([
    [1_000, 1_010, '1000 of 1010 tenants are shown; --all shows all\n'],
    [1, 2, '1 of 2 tenants are shown; --all shows all\n'],
    [5, 10_005, '5 of 10005 tenants are shown; --all shows all\n'],
    [5, 10_006, '5 of more than 10005 tenants are shown; --all shows all\n'],
    [5, 1_000_000, '5 of more than 10005 tenants are shown; --all shows all\n'],
  ])(
    'DX-2: with a limit of %i and %i items, reports how many there are and how to see them',
    async (limit, count, note) => {
      expect(await itemsToList(numbers(count), { limit }, 'tenants')).toHaveLength(limit);
      expect(notes).toEqual([note]);
    },
  );

  test.each([0, 1, 10])('reports nothing if the %i items are within the limit', async (count) => {
    expect(await itemsToList(numbers(count), { limit: 10 }, 'tenants')).toHaveLength(count);
    expect(notes).toEqual([]);
  });

  test('refuses --all together with --limit', async () => {
    await expect(itemsToList(numbers(3), { all: true, limit: 2 }, 'tenants')).rejects.toThrow(CliError);
  });
});
