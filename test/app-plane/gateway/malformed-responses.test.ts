import { expect, test } from '@jest/globals';
import { UPSTREAM_CLIENTS } from '../../../app-plane/gateway/upstream-clients.ts';
import type { Log } from '../../../core/ports/log.ts';
import { startFixture, tenantRoute } from './fixture.ts';
import { startRawTask } from './upstream/raw-task.ts';

const SECRET = 'sesame';

/** The connection to the client ended, perhaps before it had received the head. */
const BROKEN_OFF = 0;

/** Responses of a task, the statuses that a client may receive, and the reason that the own client logs. */
const MALFORMED: readonly [what: string, bytes: string, statuses: number[], reason: string][] = [
  ['a header', `HTTP/1.1 200 OK\r\nX-Secret: ${SECRET}\r\nno colon\r\n\r\n`, [502], 'a header line has no colon'],
  [
    'a length',
    `HTTP/1.1 200 OK\r\nContent-Length: ${SECRET}\r\n\r\n`,
    [502],
    'Content-Length is not a number of at most 15 digits',
  ],
  [
    'a chunk after a valid head',
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n${SECRET}\r\n${SECRET}\r\n`,
    [200, BROKEN_OFF],
    'a chunk does not begin with a valid size',
  ],
];

test.each(UPSTREAM_CLIENTS.flatMap((client) => MALFORMED.map((one) => [client, ...one] as const)))(
  'OB-1: with the %s client, %s that is malformed is logged once with its reason, and without a byte of the response',
  async (client, _what, bytes, statuses, reason) => {
    const lines: object[] = [];
    const warn = (fields: object, message: string): void => void lines.push({ ...fields, message });
    const log: Log = { debug() {}, info() {}, warn, error: warn };
    const task = await startRawTask(({ socket }) => void socket.write(bytes));
    const fixture = await startFixture({ upstream: client, log });
    try {
      fixture.setEndpoints([{ cluster: 'pool', tenantId: null, service: 'products', sockets: [task.socketPath] }]);
      const authorization = await fixture.addTenant(tenantRoute('acme00001'));
      const headers = { authorization, 'x-request-id': 'malformed-1' };
      const received = await fetch(`${fixture.url}/api/products`, { headers }).then(
        (response) => response.status,
        () => BROKEN_OFF,
      );
      expect(statuses).toContain(received);
      await fixture.accessLog(1);
      expect(lines).toEqual([
        {
          requestId: 'malformed-1',
          tenantId: 'acme00001',
          service: 'products',
          reason:
            client === 'own'
              ? reason
              : expect.stringMatching(/^Response does not match the HTTP\/1\.1 protocol \([\w -]+\)$/),
          message: 'a task sent a malformed response',
        },
      ]);
      expect(JSON.stringify(lines)).not.toContain(SECRET);
    } finally {
      await fixture.close();
      await task.close();
    }
  },
);
