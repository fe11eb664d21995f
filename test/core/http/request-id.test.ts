import { expect, test } from '@jest/globals';
import { clientRequestId } from '../../../core/http/request-id.ts';

test('a well-formed request id of a client is kept', () => {
  for (const id of ['a', '0b7c1a52-1', 'Root:1-67891233.abcdef_0', 'x'.repeat(128)])
    expect(clientRequestId(id)).toBe(id);
});

test('a request id that is absent, repeated, too long or unsafe in a header or a log line is not kept', () => {
  for (const bad of [undefined, '', 'with space', 'a"b', 'a\nb', 'ünï', 'a,b', 'x'.repeat(129), ['a', 'b'], ['a']])
    expect(clientRequestId(bad)).toBeUndefined();
});
