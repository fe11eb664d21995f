import { once } from 'node:events';
import { get, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { until } from '../../support/until.ts';
import { echo, rawExchange, startFixture } from './fixture.ts';
import { type Scene, withScene } from './scene.ts';

/** Sends a request and disconnects when it is sent, or when the response begins. */
function disconnect({ fixture, authorization }: Scene, when: 'sent' | 'responded', body = ''): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(fixture.port, '127.0.0.1', () => {
      const length = body === '' ? '' : `Content-Length: ${body.length * 2}\r\n`;
      const method = body === '' ? 'GET' : 'POST';
      const head = `${method} /api/products HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n${length}\r\n${body}`;
      socket.write(head, () => when === 'sent' && setImmediate(() => socket.destroy()));
    });
    socket.on('data', () => socket.destroy());
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
  });
}

const CLIENTS = Array.from({ length: 100 });
const SMALL_POOL = { limits: { connections: 2 } };

describe('clients that disconnect', () => {
  async function expectServed({ url, authorization }: Scene): Promise<void> {
    const responses = await Promise.all(
      Array.from({ length: 10 }, () => fetch(`${url}?fine`, { headers: { authorization } })),
    );
    expect(responses.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    await Promise.all(responses.map((one) => one.arrayBuffer()));
  }

  test('RT-1: do not block other requests while their own wait for a connection or for the service', async () => {
    await withScene(
      (request, response) => {
        // The other requests get no response.
        if (request.url?.includes('fine')) response.end('fine');
      },
      async (scene) => {
        await Promise.all(CLIENTS.map(() => disconnect(scene, 'sent')));
        await expectServed(scene);
      },
      SMALL_POOL,
    );
  });

  test('RT-1: do not block other requests during a large response that they do not read', async () => {
    await withScene(
      (request, response) => {
        if (request.url?.includes('fine')) response.end('fine');
        else response.end(Buffer.alloc(8 * 1024 * 1024));
      },
      async (scene) => {
        await Promise.all(CLIENTS.map(() => disconnect(scene, 'responded')));
        await expectServed(scene);
      },
      SMALL_POOL,
    );
  });

  test('RT-1: do not block other requests while they send a short or a long body', async () => {
    await withScene(
      (request, response) => {
        request.resume();
        request.on('end', () => response.end('fine'));
      },
      async (scene) => {
        await Promise.all(CLIENTS.map((_, i) => disconnect(scene, 'sent', 'x'.repeat(i % 2 ? 1_000 : 100_000))));
        await expectServed(scene);
      },
      SMALL_POOL,
    );
  });

  test('are logged with status 499 if the response has not begun', async () => {
    await withScene(
      () => undefined,
      async (scene) => {
        await disconnect(scene, 'sent');
        expect((await scene.fixture.accessLog(1))[0]).toMatchObject({ status: 499, bytes: 0 });
      },
    );
  });
});

describe('streaming', () => {
  test('passes a response on as it arrives', async () => {
    let pending: ServerResponse | undefined;
    await withScene(
      (_request, response) => {
        pending = response;
        response.write('first');
      },
      async ({ url, authorization }) => {
        const response = await fetch(url, { headers: { authorization } });
        const reader = (response.body as ReadableStream<Uint8Array>).getReader();
        expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('first');
        pending?.end('second');
        expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('second');
        expect((await reader.read()).done).toBe(true);
      },
    );
  });

  test('passes a request body on as it arrives', async () => {
    let received = '';
    await withScene(
      (request, response) => {
        request.on('data', (chunk) => (received += chunk));
        request.on('end', () => response.end(received));
      },
      async ({ url, authorization }) => {
        const sending = httpRequest(url, { method: 'POST', headers: { authorization } });
        sending.write('first');
        await until(() => received === 'first');
        const response = new Promise<IncomingMessage>((resolve) => sending.once('response', resolve));
        sending.end('second');
        expect((await response).statusCode).toBe(200);
        (await response).resume();
        expect(received).toBe('firstsecond');
      },
    );
  });

  test('passes 9 MB on unchanged in both directions', async () => {
    await withScene(
      (request, response) => void request.pipe(response),
      async ({ url, authorization }) => {
        const body = Buffer.alloc(9 * 1024 * 1024, 'tierplane');
        const response = await fetch(url, { method: 'POST', body, headers: { authorization } });
        expect(Buffer.compare(Buffer.from(await response.arrayBuffer()), body)).toBe(0);
      },
    );
  });

  test('passes on a response of many small pieces, and waits for a slow client with one listener', async () => {
    const piece = 'x'.repeat(100);
    const pieces = 100_000;
    await withScene(
      (_request, response) => {
        response.socket?.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
        response.socket?.write(`${`64\r\n${piece}\r\n`.repeat(pieces)}0\r\n\r\n`);
      },
      async ({ fixture, url, authorization }) => {
        let waiting = 0;
        fixture.gateway.server.on('request', (_request, response: ServerResponse) => {
          response.on('newListener', (event) => {
            if (event === 'drain') waiting = Math.max(waiting, response.listenerCount('drain') + 1);
          });
        });
        const request = get(url, { headers: { authorization } });
        const [response] = (await once(request, 'response')) as [IncomingMessage];
        // The client reads nothing until the gateway waits for it.
        await until(() => waiting > 0, 10_000);
        let length = 0;
        for await (const chunk of response) length += (chunk as Buffer).length;
        expect(length).toBe(piece.length * pieces);
        expect(waiting).toBe(1);
      },
    );
  });

  test('breaks off the response to the client if the task breaks off', async () => {
    await withScene(
      (_request, response) => {
        response.writeHead(200, { 'content-length': 100 });
        response.write('half', () => response.destroy());
      },
      async ({ url, authorization }) => {
        const response = await fetch(url, { headers: { authorization } });
        await expect(response.text()).rejects.toThrow();
      },
    );
  });

  test('sends 100 Continue only to admitted requests', async () => {
    await withScene(echo, async ({ url, authorization }) => {
      const post = (token: string): Promise<{ continued: boolean; status: number | undefined }> =>
        new Promise((resolve, reject) => {
          let continued = false;
          const headers = { authorization: token, expect: '100-continue', 'content-length': 4 };
          const sending = httpRequest(url, { method: 'POST', headers, agent: false });
          sending.on('continue', () => {
            continued = true;
            sending.end('body');
          });
          sending.on('error', reject);
          sending.on('response', (response) => {
            resolve({ continued, status: response.statusCode });
            response.resume();
            sending.destroy();
          });
          sending.flushHeaders();
        });
      expect(await post(authorization)).toEqual({ continued: true, status: 200 });
      expect(await post('Bearer a.b.c')).toEqual({ continued: false, status: 401 });
    });
  });
});

describe('the limit of request bodies', () => {
  const LIMIT = { limits: { maxBodyBytes: 200_000 } };

  const post = (
    { url, authorization }: Scene,
    body: Buffer,
    chunked: boolean,
  ): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      const length = chunked ? {} : { 'content-length': body.length };
      const sending = httpRequest(url, { method: 'POST', headers: { authorization, ...length } });
      sending.on('error', reject);
      sending.on('response', (response) => {
        let text = '';
        response.on('data', (chunk) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      });
      for (let at = 0; at < body.length; at += 10_000) sending.write(body.subarray(at, at + 10_000));
      sending.end();
    });

  test.each([
    ['declared', false],
    ['sent in chunks', true],
  ])('responds with 413 to a body over the limit, %s; a body at the limit passes', async (_how, chunked) => {
    await withScene(
      (request, response) => {
        request.resume();
        request.on('end', () => response.end('{}'));
      },
      async (scene) => {
        expect(await post(scene, Buffer.alloc(200_000), chunked)).toEqual({ status: 200, text: '{}' });
        const tooLong = { status: 413, text: '{"message":"Request Too Long"}' };
        expect(await post(scene, Buffer.alloc(200_001), chunked)).toEqual(tooLong);
        expect(await post(scene, Buffer.alloc(3_000_000), chunked)).toEqual(tooLong);
        expect(await post(scene, Buffer.alloc(10), chunked)).toEqual({ status: 200, text: '{}' });
      },
      LIMIT,
    );
  });

  test('responds with 413 even if the limit is exceeded before there is a connection to the task', async () => {
    await withScene(
      () => undefined,
      async ({ fixture, authorization }) => {
        const head = `POST /api/products HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nConnection: close`;
        const body = `3e8\r\n${'x'.repeat(1_000)}\r\n0\r\n\r\n`;
        const response = await rawExchange(fixture.port, `${head}\r\nTransfer-Encoding: chunked\r\n\r\n${body}`);
        expect(response).toMatch(/^HTTP\/1\.1 413 /);
      },
      { limits: { maxBodyBytes: 10 } },
    );
  });

  test('is 256 KiB for requests to the platform', async () => {
    const fixture = await startFixture();
    try {
      await fixture.servePlatform(echo);
      const scene = { fixture, authorization: '', url: `${fixture.url}/control-plane/tenants` };
      expect((await post(scene, Buffer.alloc(256 * 1024 + 1), false)).status).toBe(413);
      expect((await post(scene, Buffer.alloc(256 * 1024), false)).status).toBe(200);
    } finally {
      await fixture.close();
    }
  });

  test('passes on an early refusal of a long body by the service', async () => {
    await withScene(
      (_request, response) => {
        response.writeHead(422, { 'content-type': 'application/json' });
        response.end('{"no":1}');
      },
      async (scene) =>
        expect(await post(scene, Buffer.alloc(150_000), false)).toEqual({ status: 422, text: '{"no":1}' }),
      LIMIT,
    );
  });
});
