import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type EmbeddedMailer, openMailer } from '../../adapters/embedded/mail/mailer.ts';
import { openTable, type SqliteTable } from '../../adapters/embedded/store/table.ts';
import { systemClock, systemRandom } from '../../adapters/shared/clock.ts';
import type { Principal } from '../../control-plane/api/http/http.ts';
import { DomainError } from '../../core/errors.ts';
import { encodePageToken } from '../../core/http/page-token.ts';
import type { ClusterId } from '../../core/ports/places.ts';
import type { ServiceStatus } from '../../core/ports/runtime.ts';
import { createPages } from '../../embedded/pages.ts';
import { TIERS } from '../../tenant-templates/tiers.ts';
import { closeServer } from '../support/http-server.ts';
import { silentLog } from '../support/silent-log.ts';

const SECRET = 'Temporary password: tulip-42';
const PUBLIC_URL = 'http://127.0.0.1:8080';
const TOKEN = 'operator-token-operator-token-op';
const AS_OPERATOR = `?token=${TOKEN}`;
/** The headers that the gateway sets for a request from this machine. */
const LOCAL = { host: '127.0.0.1:8080', 'x-forwarded-host': '127.0.0.1:8080', 'x-forwarded-for': '127.0.0.1' };

/** Queries that do not hold the operator's token. */
const NO_TOKENS = [
  ['no token', ''],
  ['an empty token', '?token='],
  ['another token', `?token=${TOKEN.slice(1)}x`],
  ['a part of the token', `?token=${TOKEN.slice(1)}`],
  ['the token under another name', `?operatorToken=${TOKEN}`],
  ['the token after another one', `?token=x&token=${TOKEN}`],
  ['the token and a second query', `?token=${TOKEN}?x`],
] as const;

const CUSTOMER = 'Wayne & Sons';
const NOTE = 'all tasks run as one user: /var/lib/tierplane is closed to others';
const DEMO = {
  tenantId: 'demo0001',
  name: 'globex',
  tier: 'advanced',
  state: 'active',
  email: 'admin@globex.example',
  authServer: `${PUBLIC_URL}/realms/pool`,
} as const;
let services: ServiceStatus[] = [];

function service(cluster: ClusterId, tenantId: string | null): ServiceStatus {
  return { cluster, tenantId, service: 'orders', desired: 1, tasks: [], restarts: 0 };
}

const dir = mkdtempSync(join(tmpdir(), 'tp-pages-'));
const socketPath = join(dir, 'pages.sock');
let table: SqliteTable;
let mailer: EmbeddedMailer;
let server: Server;
let mailId: string;

beforeAll(async () => {
  table = openTable({ file: join(dir, 'platform.db'), clock: systemClock });
  mailer = openMailer({
    table,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  });
  await mailer.send({ to: 'jo@hooli.example', subject: 'Your invitation', text: SECRET });
  mailId = (await mailer.list({ limit: 1 })).items[0]?.id ?? '';
  const pages = createPages({
    urls: {
      publicUrl: PUBLIC_URL,
      controlPlane: `${PUBLIC_URL}/control-plane`,
      api: `${PUBLIC_URL}/api`,
      openapi: `${PUBLIC_URL}/openapi`,
    },
    mailer,
    smtp: false,
    runtime: { services: async () => services },
    tiers: TIERS,
    command: 'npx tierplane --data-dir /var/lib/tierplane',
    adminFile: '/var/lib/tierplane/admin.json',
    demoTenants: async () => [DEMO],
    tenantName: async (tenantId) => (tenantId === 'demo0001' ? DEMO.name : CUSTOMER),
    operatorToken: TOKEN,
    notes: [NOTE],
    principal: async (authorization) => principalOf(authorization),
  });
  server = createServer((req, res) => void pages(req, res));
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
});

afterAll(async () => {
  await closeServer(server);
  await mailer.close();
  await table.close();
  rmSync(dir, { recursive: true, force: true });
});

function principalOf(authorization: string | undefined): Principal {
  const [role, ...scopes] = authorization?.split(' ') ?? [];
  if (role === undefined) throw new DomainError('UNAUTHENTICATED', 'a token must be given');
  return { kind: 'user', userName: 'someone', role, scopes, basis: [] };
}

interface Reply {
  readonly status: number;
  readonly text: string;
  readonly headers: IncomingHttpHeaders;
}

function get(path: string, headers: Record<string, string> = LOCAL): Promise<Reply> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path, headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text, headers: response.headers }));
    })
      .on('error', reject)
      .end();
  });
}

describe('the start page', () => {
  beforeAll(() => {
    services = [service('shared', 'demo0001'), service('tenant-custom01', 'custom01'), service('pool', null)];
  });

  test('shows the operator which services run for which tenant', async () => {
    const { status, text } = await get(`/${AS_OPERATOR}`);
    expect(status).toBe(200);
    const serves = [...text.matchAll(/<th scope="row">(.*?)<\/th>/g)].map(([, name]) => name);
    expect(serves).toEqual(['all pooled tenants', 'globex', 'Wayne &amp; Sons']);
    expect(text).toContain('All tasks run as one user: /var/lib/tierplane is closed to others.');
    expect(text).toContain(`href="${PUBLIC_URL}/mailbox${AS_OPERATOR}"`);
    expect(text).toContain('<code>npx tierplane --data-dir /var/lib/tierplane demo</code>');
    expect(text).toContain('/var/lib/tierplane/admin.json');
  });

  test.each(NO_TOKENS)('SE-1: shows no tenants, no paths and no mailbox to a reader with %s', async (_what, query) => {
    const { status, text } = await get(`/${query}`);
    expect(status).toBe(200);
    expect(text).toContain('globex');
    for (const hidden of ['Wayne', 'custom01', '/var/lib', '/mailbox', TOKEN]) expect(text).not.toContain(hidden);
  });

  test('DX-1: shows other readers commands that address this platform, and a sign-in before them', async () => {
    const { text } = await get('/');
    const commands = [...text.matchAll(/(npx )?tierplane (?!--url http:\/\/127\.0\.0\.1:8080 )/g)].map(
      ([found]) => found,
    );
    expect(commands).toEqual([]);
    const [first, second] = [...text.matchAll(/<pre[^>]*><code>(.*?)<\/code>/gs)].map(([, command]) => command);
    expect(first).toBe(`npx tierplane --url ${PUBLIC_URL} login`);
    expect(second).toBe(`npx tierplane --url ${PUBLIC_URL} tenants list`);
    // `demo` works on the platform's own machine only.
    expect(text).not.toMatch(/tierplane [^<]*\bdemo</);
  });

  test('shows at most twelve tenants, and refers to the command line for more', async () => {
    const before = services;
    services = Array.from({ length: 40 }, (_, i) => service(`tenant-custom${i}`, `custom${i}`));
    try {
      expect((await get(`/${AS_OPERATOR}`)).text).toContain('28 more tenants');
    } finally {
      services = before;
    }
  });
});

describe('the mailbox page', () => {
  test('ID-1: shows the mails to the operator, with links that hold the token', async () => {
    const { status, text } = await get(`/mailbox${AS_OPERATOR}`);
    expect(status).toBe(200);
    expect(text).toContain(`href="/mailbox/${mailId}${AS_OPERATOR}"`);
    const mail = await get(`/mailbox/${mailId}${AS_OPERATOR}`);
    // Without SMTP, the text is kept.
    expect(mail.text).toContain('kept here');
    expect(mail.text).toContain(SECRET);
    expect(mail.text).toContain(`href="/mailbox${AS_OPERATOR}"`);
  });

  test.each(NO_TOKENS)('SE-1: is not shown to a reader of this machine with %s', async (_what, query) => {
    for (const path of ['/mailbox', `/mailbox/${mailId}`, '/mailbox/nothing']) {
      const response = await get(`${path}${query}`);
      expect(response.status).toBe(403);
      for (const hidden of ['tulip', 'jo@hooli.example', TOKEN]) expect(response.text).not.toContain(hidden);
    }
  });

  test('SE-1: does not send the token to the sites that its links lead to', async () => {
    for (const path of ['/', '/mailbox', `/mailbox/${mailId}`]) {
      expect((await get(`${path}${AS_OPERATOR}`)).headers['referrer-policy']).toBe('no-referrer');
    }
  });

  test.each(['//', '//evil.example/', '/mailbox/%', '/mailbox/%ff', '/mailbox/..%2f', '/mailbox/nothing', '/x'])(
    '%s is 404, not an internal error',
    async (path) => expect((await get(`${path}${AS_OPERATOR}`)).status).toBe(404),
  );

  test.each(['%00', '%ff', 'x'.repeat(300), '..'])(
    'starts at the first page for the invalid cursor %s',
    async (after) => expect((await get(`/mailbox${AS_OPERATOR}&after=${after}`)).status).toBe(200),
  );
});

describe('mail in JSON', () => {
  test.each([
    ['a SystemAdmin with the scope to write users', 200, 'SystemAdmin user/user_write'],
    ['a SystemAdmin with a client that may only read', 403, 'SystemAdmin user/user_read tenant/tenant_read'],
    ['a system user of another role, who could accept invitations', 403, 'Auditor user/user_write'],
  ])('ID-1: responds to %s with %i', async (_who, status, authorization) => {
    const response = await get('/mailbox.json', { ...LOCAL, authorization });
    expect(response.status).toBe(status);
    expect(response.text.includes(SECRET)).toBe(status === 200);
  });

  test("SE-1: refuses requests without an access token, also with the operator's", async () => {
    for (const path of ['/mailbox.json', `/mailbox.json${AS_OPERATOR}`]) {
      expect(await get(path)).toMatchObject({ status: 401, text: '{"message":"Unauthorized"}' });
    }
  });

  test('has pages, and refuses a page token that it did not return', async () => {
    const authorization = 'SystemAdmin user/user_write';
    const { text } = await get('/mailbox.json', { ...LOCAL, authorization });
    expect(JSON.parse(text)).not.toHaveProperty('next_token');
    for (const token of ['nope', mailId, '%00', encodePageToken('another list', mailId)]) {
      expect((await get(`/mailbox.json?next_token=${token}`, { ...LOCAL, authorization })).status).toBe(400);
    }
    const after = encodePageToken('mails', mailId);
    expect(await get(`/mailbox.json?next_token=${after}`, { ...LOCAL, authorization })).toMatchObject({
      status: 200,
      text: '{"data":[]}',
    });
  });
});
