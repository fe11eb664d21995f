import { connect } from 'node:net';
import { expect, test } from '@jest/globals';
import { until } from '../../support/until.ts';
import { type Fixture, startFixture, tenantRoute } from './fixture.ts';

const PLAN = { rate: 1_000, burst: 10, quotaPerDay: 1_000_000 };
/** Twice the burst of ten. */
const PLACES = 20;
const WAVES = [1, 2, 3, 4];

interface Uploads {
  /** Responses that arrived before the upload had ended. */
  readonly responses: string[];
  end(): void;
}

/** Starts uploads that never end. */
async function trickle(fixture: Fixture, authorization: string, count: number): Promise<Uploads> {
  const responses: string[] = [];
  const begin = `POST /api/products HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`;
  const sockets = await Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect(fixture.port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.on('data', (data) => void responses.push(String(data)));
      await new Promise<void>((sent) => void socket.write(begin, () => sent()));
      return socket;
    }),
  );
  return {
    responses,
    end: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

test('RT-2: a tenant whose requests never end occupies some connections to a pooled task but not all, so other tenants are served', async () => {
  const fixture = await startFixture({ limits: { connections: PLACES + 4 }, plans: { basic: PLAN } });
  try {
    let received = 0;
    await fixture.serve('products', (request, response) => {
      if (request.method === 'GET') {
        response.end('fine');
      } else {
        received += 1;
        request.resume();
      }
    });
    const slow = await fixture.addTenant(tenantRoute('acme00001'));
    const other = await fixture.addTenant(tenantRoute('globex001'));
    const status = async (authorization: string): Promise<number> =>
      (await fetch(`${fixture.url}/api/products`, { headers: { authorization } })).status;

    const uploads: Uploads[] = [];
    const refused = (): string[] => uploads.flatMap(({ responses }) => responses);
    for (const wave of WAVES) {
      uploads.push(await trickle(fixture, slow, PLAN.burst));
      await until(() => received + refused().length === wave * PLAN.burst);
      fixture.clock.advance(1_000);
    }
    expect(received).toBe(PLACES);
    expect(refused()).toHaveLength(WAVES.length * PLAN.burst - PLACES);
    for (const response of refused()) {
      expect(response).toMatch(/^HTTP\/1\.1 429 /);
      expect(response).toContain('retry-after: 1\r\n');
      expect(response).toContain('{"message":"Too Many Requests"}');
    }
    expect(await status(slow)).toBe(429);
    expect(await status(other)).toBe(200);

    for (const { end } of uploads) end();
    await until(async () => (await status(slow)) === 200);
  } finally {
    await fixture.close();
  }
});
