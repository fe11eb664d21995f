import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';

/** What the tests of the launcher run in a container: a server that tells how ECS started it. */
const { EXIT_WITH, RELEASE = '', PORT = '8080', UNHEALTHY } = process.env;
if (EXIT_WITH) process.exit(Number(EXIT_WITH));

const handlers: Readonly<Record<string, (request: IncomingMessage, url: URL) => unknown>> = {
  '/healthz': () => ({ status: 'ok' }),
  '/slow': () => setTimeout(2_000, { status: 'late' }),
  '/release': () => ({ release: RELEASE }),
  '/identity': () => new STSClient().send(new GetCallerIdentityCommand()),
  '/process': () => ({
    status: readFileSync('/proc/self/status', 'utf8'),
    argv: process.argv.slice(2),
    writes: { root: errorOfWrite('/probe'), volume: errorOfWrite('/scratch/probe') },
    credentials: process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI,
  }),
  '/fetch': async (_request, url) => {
    const response = await fetch(url.searchParams.get('url') ?? '');
    return { status: response.status, text: await response.text() };
  },
};

/** The code of the error, or null. A read-only file system gives another one than missing rights. */
function errorOfWrite(path: string): string | null {
  try {
    writeFileSync(path, '');
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '', 'http://task');
  const status = Number(/^\/status\/(\d{3})$/.exec(url.pathname)?.[1] ?? 200);
  const unhealthy = UNHEALTHY && url.pathname === '/healthz';
  const headers = {
    'content-type': 'application/json',
    'x-release': RELEASE,
    location: '/elsewhere',
    'www-authenticate': 'Echo',
  };
  try {
    const run = handlers[url.pathname];
    const body = run
      ? await run(request, url)
      : { method: request.method, url: request.url, headers: request.headers, body: await textOf(request) };
    response.writeHead(unhealthy ? 503 : status, headers).end(JSON.stringify(body));
  } catch (error) {
    response.writeHead(500, headers).end(JSON.stringify({ error: String(error) }));
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

const server = createServer((request, response) => void respond(request, response)).listen(Number(PORT));
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
});
