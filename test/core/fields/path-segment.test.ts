import { expect, test } from '@jest/globals';
import { fitsPathSegment, isAmbiguousPath } from '../../../core/fields/path-segment.ts';

test.each(['a', '...', '..a', 'a..', '100%', '%2e%2e', '%5c', '%00', '#', '&', '=', '+', ' ', 'ü', '東京', '😀'])(
  'SE-6: %j is one segment of a path',
  (text) => {
    expect(fitsPathSegment(text)).toBe(true);
    const path = `/users/${encodeURIComponent(text)}/enable`;
    expect(isAmbiguousPath(path)).toBe(false);
    expect(new URL(path, 'http://host').pathname.split('/').map(decodeURIComponent)).toEqual([
      '',
      'users',
      text,
      'enable',
    ]);
  },
);

test.each(['', '.', '..', '/', 'a/b', '../x', '\\', 'CORP\\jdoe', 'a?b', '\u0000', 'a\ud800'])(
  'SE-6: %j is not one segment of a path',
  (text) => expect(fitsPathSegment(text)).toBe(false),
);

test.each(['/a\\b', '/a/../b', '/a/.', '/%2e%2E/b', '/a%2f.%2fb', '/%5C', '/a%00', '..'])(
  'SE-6: servers could read the path %j differently',
  (path) => expect(isAmbiguousPath(path)).toBe(true),
);
