import { expect, test } from '@jest/globals';
import { ListQuery } from '../../../services/kit/paging.ts';

test('RT-6: a list has a limit of 20 unless its query says otherwise', () => {
  expect(ListQuery.parse({})).toEqual({ limit: 20 });
  expect(ListQuery.parse({ limit: '1', next_token: 'a' })).toEqual({ limit: 1, next_token: 'a' });
  expect(ListQuery.parse({ limit: '100' })).toEqual({ limit: 100 });
});

test.each([{ limit: '0' }, { limit: '101' }, { limit: '1.5' }, { limit: 'many' }, { order: 'name' }])(
  'RT-6: the query of a list may not be %j',
  (query) => {
    expect(ListQuery.safeParse(query).success).toBe(false);
  },
);
