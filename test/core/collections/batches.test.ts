import { expect, test } from '@jest/globals';
import { batchesOf } from '../../../core/collections/batches.ts';

test.each([
  { items: [], batches: [] },
  { items: [1], batches: [[1]] },
  { items: [1, 2], batches: [[1, 2]] },
  { items: [1, 2, 3, 4, 5], batches: [[1, 2], [3, 4], [5]] },
])('batches of two keep the order and every item: $items', ({ items, batches }) => {
  expect(batchesOf<number>(items, 2)).toEqual(batches);
});
