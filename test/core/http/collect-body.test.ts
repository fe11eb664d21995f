import { expect, test } from '@jest/globals';
import { collectBody } from '../../../core/http/collect-body.ts';

/** A body in chunks of these sizes. `read` counts the chunks that were taken from it. */
function bodyOf(...sizes: number[]) {
  const read = { chunks: 0 };
  async function* chunks() {
    for (const size of sizes) {
      read.chunks += 1;
      yield new Uint8Array(size);
    }
  }
  return { body: chunks(), read };
}

test('a body of at most the limit is collected, and no body is one without chunks', async () => {
  const chunks = await collectBody(bodyOf(4, 6).body, 10);
  expect(chunks?.map(({ length }) => length)).toEqual([4, 6]);
  expect(await collectBody(bodyOf().body, 10)).toEqual([]);
});

test('SE-6: a longer body is refused, but read to its end', async () => {
  const { body, read } = bodyOf(4, 7, 1);
  expect(await collectBody(body, 10)).toBeUndefined();
  expect(read.chunks).toBe(3);
});
