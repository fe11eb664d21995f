import { test } from '@jest/globals';
import type { UpstreamClient } from '../../../../app-plane/gateway/upstream-clients.ts';

/** Where undici legitimately behaves differently from Tierplane's own client, and why. */
export const UNDICI_DIFFERENCES = {
  'own framing of the request':
    'undici adds `connection: keep-alive` and splits chunks differently. The request means the same.',
  'closes after a long read':
    'undici does not look at the length of a read. It waits one turn of the event loop before it uses a connection again.',
  'headers timeout restarts with a 1xx response':
    'undici restarts its headers timeout with each 1xx response. A task that sends them forever holds its request.',
  'a paused response ends after it is resumed':
    'undici withholds the end of a paused response. The gateway resumes or aborts every response that it pauses.',
  'connect timeout by its own clock': 'undici checks its connect timeout later, and may connect in between.',
} as const;

/** `test`, skipped for undici because of a known difference. */
export function testUnlessUndici(client: UpstreamClient, _difference: keyof typeof UNDICI_DIFFERENCES) {
  return client === 'undici' ? test.skip : test;
}
