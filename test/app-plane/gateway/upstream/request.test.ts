import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createRequest } from '../../../../app-plane/gateway/upstream/request.ts';

describe('createRequest', () => {
  const parts = { method: 'GET', path: '/a', headers: ['host', 'x'], body: undefined };

  test.each(['/a b', '/a\r\nX: y', '/a\n', '/a\r', '/a\0', '/a\t', '/a\x7f', '/ā', '/a\u010d\u010a'])(
    'refuses the path %j, which would start another line or word',
    (path) => expect(createRequest({ ...parts, path })).toBeUndefined(),
  );

  test.each(['a\r\nX: y', 'a\n', '\r', 'a\0', 'a\x7f', 'ā', '\u010d\u010aX-Tierplane-Tenant: b', '\u2028'])(
    'refuses the header value %j, which would start another line',
    (value) => expect(createRequest({ ...parts, headers: ['host', 'x', 'a', value] })).toBeUndefined(),
  );

  test('writes bytes beyond ASCII unchanged', () => {
    const request = createRequest({ ...parts, path: '/caf\xe9', headers: ['a', 'b\t\xff'] });
    expect(request?.head).toBe('GET /caf\xe9 HTTP/1.1\r\na: b\t\xff\r\n\r\n');
  });

  test('SE-1: writes no more lines than it has headers, whatever path and values contain', () => {
    const character = (min: number, max: number) => fc.integer({ min, max }).map((code) => String.fromCharCode(code));
    const unit = fc.oneof(
      { weight: 30, arbitrary: character(0x21, 0x7e) },
      { weight: 1, arbitrary: character(0, 0x17f) },
    );
    const text = fc.string({ unit, maxLength: 20 });
    let written = 0;
    fc.assert(
      fc.property(text, fc.array(text, { maxLength: 3 }), (path, values) => {
        const request = createRequest({ ...parts, path: `/${path}`, headers: values.flatMap((value) => ['a', value]) });
        if (!request) return;
        written += 1;
        expect(Buffer.from(request.head, 'latin1').toString('latin1')).toBe(request.head);
        expect(request.head.split(/[\r\n]+/)).toHaveLength(values.length + 2);
        expect(request.head).toMatch(/^GET \/\S* HTTP\/1\.1\r\n/);
      }),
    );
    expect(written).toBeGreaterThan(20);
  });
});
