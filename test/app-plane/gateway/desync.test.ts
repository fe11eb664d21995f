import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { UPSTREAM_CLIENTS, type UpstreamClient } from '../../../app-plane/gateway/upstream-clients.ts';
import { startFixture, tenantRoute } from './fixture.ts';
import { response, startRawTask } from './upstream/raw-task.ts';

/** The status and body that a tenant receives. Status 0 means that the response broke off. */
type CallAs = (tenant: 'acme' | 'globex', path: string) => Promise<{ status: number; text: string }>;

/**
 * Two tenants at one pooled task with few connections. To `/<name>` the task responds with the bytes of that name, or
 * else with the tenant that the gateway names.
 */
async function withPool(
  upstream: UpstreamClient,
  bytes: Readonly<Record<string, () => string>>,
  run: (call: CallAs) => Promise<void>,
): Promise<void> {
  const task = await startRawTask((peer, path) => {
    const name = path.split('/').at(-1) ?? '';
    const tenant = peer.received.match(/(?<=x-tierplane-tenant: )\w+/g)?.at(-1) ?? '';
    peer.socket.write(bytes[name]?.() ?? response(tenant), 'latin1');
  });
  const fixture = await startFixture({
    upstream,
    limits: { connections: 2, headersTimeoutMs: 5_000, bodyTimeoutMs: 30 },
  });
  try {
    fixture.setEndpoints([{ cluster: 'pool', tenantId: null, service: 'products', sockets: [task.socketPath] }]);
    const tokens = {
      acme: await fixture.addTenant(tenantRoute('acme00001')),
      globex: await fixture.addTenant(tenantRoute('globex001')),
    };
    const call: CallAs = async (tenant, path) => {
      try {
        const reply = await fetch(`${fixture.url}/api/products/${path}`, {
          headers: { authorization: tokens[tenant] },
        });
        return { status: reply.status, text: await reply.text() };
      } catch {
        return { status: 0, text: '' };
      }
    };
    await run(call);
  } finally {
    await fixture.close();
    await task.close();
  }
}

const SECRET = "acme's secret";
const forged = response(SECRET);
const big = 'x'.repeat(64 * 1024 - 'HTTP/1.1 200 OK\r\nContent-Length: 65494\r\n\r\n'.length);

/** Malformed responses to acme. Most contain a whole second response. */
const BAD: Record<string, () => string> = {
  longer: () => `HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello${forged}`,
  filled: () => `${response(big)}${forged}`,
  chunked: () => `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n${forged}`,
  both: () =>
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n${forged}`,
  twice: () => `HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: ${forged.length}\r\n\r\n${forged}`,
  empty: () => `HTTP/1.1 204 No Content\r\nContent-Length: ${forged.length}\r\n\r\n${forged}`,
  switching: () => `HTTP/1.1 101 Switching Protocols\r\n\r\n${forged}`,
  shorter: () => `HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n${SECRET}`,
  endless: () => `HTTP/1.1 200 OK\r\n\r\n${SECRET}`,
  split: () => `HTTP/1.1 200 OK\r\nA: b\nContent-Length: 0\r\n\r\n${forged}`,
  nonsense: () => `${SECRET}\r\n\r\n${forged}`,
};

test.each(UPSTREAM_CLIENTS)(
  "SE-1: with the %s client, no byte of a pooled task's response to one tenant reaches another tenant",
  async (client) => {
    await withPool(client, BAD, async (call) => {
      const names = fc.constantFrom(...Object.keys(BAD), 'good');
      await fc.assert(
        fc.asyncProperty(fc.array(names, { minLength: 1, maxLength: 6 }), async (paths) => {
          const responses = await Promise.all([
            ...paths.map((path) => call('acme', path)),
            ...paths.map(() => call('globex', 'good')),
          ]);
          const expected = paths.map(() => ({ status: 200, text: 'globex001' }));
          expect(responses.slice(paths.length)).toEqual(expected);
          expect(await call('globex', 'good')).toEqual(expected[0]);
        }),
        { numRuns: 20, examples: Object.keys(BAD).map((name): [string[]] => [[name, 'longer']]) },
      );
    });
  },
);
