import type { RequestListener, Server, ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { echo, poll, startFixture, tenantRoute } from './fixture.ts';
import { withScene } from './scene.ts';

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  );
}

describe('failing tasks', () => {
  const dying: RequestListener = (request) => request.socket.destroy();

  test('a GET that got no answer is sent to another task; a POST is not, and says 502', async () => {
    const fixture = await startFixture();
    try {
      const bad = await fixture.serve('orders', dying);
      const good = await fixture.serve('orders', echo);
      const sockets = [bad.socket, good.socket];
      fixture.setEndpoints([{ cluster: 'pool', tenantId: null, service: 'orders', sockets }]);
      const authorization = await fixture.addTenant(tenantRoute('acme00001'));
      const statuses = async (init: RequestInit): Promise<number> => {
        const answer = await fetch(`${fixture.url}/api/orders`, { ...init, headers: { authorization } });
        await answer.arrayBuffer();
        return answer.status;
      };
      for (let call = 0; call < 5; call++) expect(await statuses({})).toBe(200);
      expect(await statuses({ method: 'POST', body: 'x' })).toBe(502);
      await bad.close();
      for (let call = 0; call < 5; call++) expect(await statuses({ method: 'POST', body: 'x' })).toBe(200);
      await good.close();
      expect(await statuses({})).toBe(503);
    } finally {
      await fixture.close();
    }
  });

  test('a task that answers too late is answered for with 504', async () => {
    await withScene(
      () => undefined,
      async ({ url, authorization }) => {
        const answer = await fetch(url, { headers: { authorization } });
        expect([answer.status, await answer.text()]).toEqual([504, '{"message":"Endpoint request timed out"}']);
      },
      { limits: { headersTimeoutMs: 200 } },
    );
  });

  test('an answer that stalls breaks off', async () => {
    await withScene(
      (_request, response) => void response.write('half'),
      async ({ url, authorization }) => {
        const answer = await fetch(url, { headers: { authorization } });
        await expect(answer.text()).rejects.toThrow();
      },
      { limits: { bodyTimeoutMs: 200 } },
    );
  });

  test('a task with more than its fill is taken for unavailable', async () => {
    await withScene(
      () => undefined,
      async ({ url, authorization }) => {
        // None of them is answered, so that soon two are under way, whatever became of the first ones.
        const held = new AbortController();
        const call = () => fetch(url, { headers: { authorization }, signal: held.signal }).catch(() => undefined);
        await poll(async () => {
          const answer = await Promise.race([call(), wait(300)]);
          return answer?.status === 503 ? true : undefined;
        });
        held.abort();
      },
      { limits: { maxActive: 2 } },
    );
  });

  test('RT-1: tasks exchanged under load fail no request, and the old ones are let go of', async () => {
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
          const answer = await fetch(`${fixture.url}/api/products`, {
            method: 'POST',
            body: 'x',
            headers: { authorization },
          });
          await answer.arrayBuffer();
          if (answer.status === 200) served += 1;
          else failures.push(answer.status);
        }
      });
      for (let round = 0; round < 5; round++) {
        const next = await fixture.serve(`products`, slow);
        fixture.setEndpoints([{ cluster: 'pool', tenantId: null, service: 'products', sockets: [next.socket] }]);
        const before = served;
        // A task drains once the gateway has let go of it; a connection cut earlier may carry a request.
        await poll(async () => ((await connectionsOf(current.server)) === 0 ? true : undefined));
        await current.close();
        await poll(() => (served > before + 20 ? true : undefined));
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
  test('finishes what is under way, then takes no more', async () => {
    let answering: ServerResponse | undefined;
    await withScene(
      (_request, response) => {
        answering = response;
      },
      async ({ fixture, url, authorization }) => {
        const asked = fetch(url, { headers: { authorization } });
        await poll(() => answering);
        const drained = fixture.gateway.drain(10_000);
        answering?.end('finished');
        const answer = await asked;
        expect(await answer.text()).toBe('finished');
        expect(answer.headers.get('connection')).toBe('close');
        await drained;
        await expect(fetch(url)).rejects.toThrow();
      },
    );
  });

  test('ends what does not finish in time', async () => {
    await withScene(
      () => undefined,
      async ({ fixture, url, authorization }) => {
        const asked = fetch(url, { headers: { authorization } });
        const outcome = expect(asked).rejects.toThrow();
        await poll(() => (fixture.gateway.server.listening ? true : undefined));
        await fixture.gateway.drain(100);
        await outcome;
      },
    );
  });
});
