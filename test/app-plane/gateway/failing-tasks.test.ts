import type { RequestListener, Server, ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { until } from '../../support/until.ts';
import { echo, startFixture, tenantRoute } from './fixture.ts';
import { withScene } from './scene.ts';

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  );
}

describe('failing tasks', () => {
  const dying: RequestListener = (request) => request.socket.destroy();

  test('a GET without a response is sent to another task; a POST is not, and gets 502', async () => {
    const fixture = await startFixture();
    try {
      const bad = await fixture.serve('orders', dying);
      const good = await fixture.serve('orders', echo);
      const sockets = [bad.socket, good.socket];
      fixture.setEndpoints([{ cluster: 'pool', tenantId: null, service: 'orders', sockets }]);
      const authorization = await fixture.addTenant(tenantRoute('acme00001'));
      const status = async (init: RequestInit): Promise<number> => {
        const response = await fetch(`${fixture.url}/api/orders`, { ...init, headers: { authorization } });
        await response.arrayBuffer();
        return response.status;
      };
      for (let call = 0; call < 5; call++) expect(await status({})).toBe(200);
      expect(await status({ method: 'POST', body: 'x' })).toBe(502);
      await bad.close();
      for (let call = 0; call < 5; call++) expect(await status({ method: 'POST', body: 'x' })).toBe(200);
      await good.close();
      expect(await status({})).toBe(503);
    } finally {
      await fixture.close();
    }
  });

  test('a task that does not respond in time leads to 504', async () => {
    await withScene(
      () => undefined,
      async ({ url, authorization }) => {
        const response = await fetch(url, { headers: { authorization } });
        expect([response.status, await response.text()]).toEqual([504, '{"message":"Endpoint request timed out"}']);
      },
      { limits: { headersTimeoutMs: 200 } },
    );
  });

  test('a response that stalls is broken off', async () => {
    await withScene(
      (_request, response) => void response.write('half'),
      async ({ url, authorization }) => {
        const response = await fetch(url, { headers: { authorization } });
        await expect(response.text()).rejects.toThrow();
      },
      { limits: { bodyTimeoutMs: 200 } },
    );
  });

  test('a task with too many requests leads to 503', async () => {
    await withScene(
      () => undefined,
      async ({ url, authorization }) => {
        // The task responds to none of them, so two are soon in progress.
        const held = new AbortController();
        const call = () => fetch(url, { headers: { authorization }, signal: held.signal }).catch(() => undefined);
        await until(async () => {
          const response = await Promise.race([call(), wait(300)]);
          return response?.status === 503;
        });
        held.abort();
      },
      { limits: { maxActive: 2 } },
    );
  });

  test('RT-1: replacing tasks under load fails no request, and closes the connections to the old ones', async () => {
    const fixture = await startFixture();
    try {
      const slow: RequestListener = (_request, response) => void setTimeout(() => response.end('{}'), 5);
      const authorization = await fixture.addTenant(tenantRoute('acme00001'));
      let current = await fixture.serve('products', slow);
      let rolling = true;
      const failures: number[] = [];
      let served = 0;
      const load = Array.from({ length: 8 }, async () => {
        while (rolling) {
          const response = await fetch(`${fixture.url}/api/products`, {
            method: 'POST',
            body: 'x',
            headers: { authorization },
          });
          await response.arrayBuffer();
          if (response.status === 200) served += 1;
          else failures.push(response.status);
        }
      });
      for (let round = 0; round < 5; round++) {
        const next = await fixture.serve('products', slow);
        fixture.setEndpoints([{ cluster: 'pool', tenantId: null, service: 'products', sockets: [next.socket] }]);
        const before = served;
        // A task stops when the gateway has closed its connections; one closed earlier may carry a request.
        await until(async () => (await connectionsOf(current.server)) === 0);
        await current.close();
        await until(() => served > before + 20);
        current = next;
      }
      rolling = false;
      await Promise.all(load);
      expect(failures).toEqual([]);
      expect(served).toBeGreaterThan(100);
    } finally {
      await fixture.close();
    }
  });
});

describe('draining', () => {
  test('finishes requests in progress, then accepts no more', async () => {
    let pending: ServerResponse | undefined;
    await withScene(
      (_request, response) => {
        pending = response;
      },
      async ({ fixture, url, authorization }) => {
        const sent = fetch(url, { headers: { authorization } });
        await until(() => pending);
        const drained = fixture.gateway.drain(10_000);
        pending?.end('finished');
        const response = await sent;
        expect(await response.text()).toBe('finished');
        expect(response.headers.get('connection')).toBe('close');
        await drained;
        await expect(fetch(url)).rejects.toThrow();
      },
    );
  });

  test('breaks off requests that do not finish in time', async () => {
    let received = false;
    await withScene(
      () => {
        received = true;
      },
      async ({ fixture, url, authorization }) => {
        const sent = fetch(url, { headers: { authorization } });
        const outcome = expect(sent).rejects.toThrow();
        await until(() => received);
        await fixture.gateway.drain(100);
        await outcome;
      },
    );
  });
});
