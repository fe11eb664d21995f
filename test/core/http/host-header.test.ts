import { expect, test } from '@jest/globals';
import { hasValidHost } from '../../../core/http/host-header.ts';

test.each([
  [[]],
  [['Host', 'saas.example']],
  [['host', 'saas.example:8080', 'Hosts', 'x']],
  [['HOST', '127.0.0.1:']],
  [['Host', '[::1]:8080']],
  [['Host', '']],
  [['Accept', 'Host', 'Host', 'xn--mller-kva.example', 'x-forwarded-host', 'other.example']],
])('a request with %j has a valid Host', (headers) => {
  expect(hasValidHost(headers)).toBe(true);
});

test.each([
  [['Host', 'a.example', 'Host', 'b.example']],
  [['Host', 'a.example', 'host', 'a.example']],
  [['HOST', 'a.example', 'X', 'y', 'hOST', '']],
  [['Host', 'a.example, b.example']],
  [['Host', 'a.example b.example']],
  [['Host', 'a.example/path']],
  [['Host', 'user@a.example']],
  [['Host', 'a.example:80:80']],
  [['Host', 'a.example:port']],
  [['Host', 'a.example:123456']],
  [['Host', '[::1']],
  [['Host', 'a\\b']],
])('a request with %j has not', (headers) => {
  expect(hasValidHost(headers)).toBe(false);
});
