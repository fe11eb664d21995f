import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createRequest } from '../../../../app-plane/gateway/upstream/request.ts';

describe('a request is not written if a part of it would start another line', () => {
  const parts = { method: 'GET', path: '/a', headers: ['host', 'x'], body: undefined };

  test.each(['/a b', '/a\r\nX: y', '/a\n', '/a\r', '/a\0', '/a\t', '/a\x7f', '/ā', '/a\u010d\u010a'])(
    'the path %j',
    (path) => expect(createRequest({ ...parts, path })).toBeUndefined(),
  );

  test.each(['a\r\nX: y', 'a\n', '\r', 'a\0', 'a\x7f', 'ā', '\u010d\u010aX-Tierplane-Tenant: b', '\u2028'])(
    'the value %j',
    (value) => expect(createRequest({ ...parts, headers: ['host', 'x', 'a', value] })).toBeUndefined(),
  );

  test('bytes beyond ASCII are written unchanged', () => {
    const request = createRequest({ ...parts, path: '/caf\xe9', headers: ['a', 'b\t\xff'] });
    expect(request?.head).toBe('GET /caf\xe9 HTTP/1.1\r\na: b\t\xff\r\n\r\n');
  });

  test('SE-1: no path and no value adds a line', () => {
    const text = fc.string({ unit: 'binary', maxLength: 20 });
    fc.assert(
      fc.property(text, fc.array(text, { maxLength: 3 }), (path, values) => {
        const request = createRequest({ ...parts, path: `/${path}`, headers: values.flatMap((value) => ['a', value]) });
        if (!request) return;
        expect(Buffer.from(request.head, 'latin1').toString('latin1')).toBe(request.head);
        expect(request.head.split(/[\r\n]+/)).toHaveLength(values.length + 2);
        expect(request.head).toMatch(/^GET \/\S* HTTP\/1\.1\r\n/);
      }),
    );
  });
});
