import { afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { readEnvironment } from '../../../control-plane/lambda/environment.ts';
import { OUTBOX } from '../../../core/events/outbox.ts';
import type { Envelope } from '../../../core/ports/event-bus.ts';
import { describeInAccount } from '../../rehearsal/account.ts';
import { type EventOptions, httpEvent } from './http-events.ts';
import {
  ADMIN_CLIENT,
  AUTOMATION_CLIENT,
  createLambdaWorld,
  type LambdaWorld,
  MACHINE_CLIENT,
} from './lambda-world.ts';

jest.setTimeout(60_000);

const ALL = 'openid tenant/tenant_read tenant/tenant_write user/user_read user/user_write';
const MACHINE = { sub: MACHINE_CLIENT, client_id: MACHINE_CLIENT, token_use: 'access', scope: 'tenant/tenant_write' };
const BODY = {
  tenantData: { tenantName: 'acme', email: 'admin@acme.example', tier: 'basic' },
  tenantRegistrationData: { registrationStatus: 'In progress' },
};

// biome-ignore lint/suspicious/noExplicitAny: the tests read responses as plain JSON
type Body = any;
interface Response extends APIGatewayProxyStructuredResultV2 {
  readonly json: Body;
}

describeInAccount("the control plane's function in an emulated account", (account) => {
  let world: LambdaWorld;
  let handler: typeof import('../../../control-plane/lambda/api.ts').handler;
  /** The log lines of the current test. */
  let lines: string[];
  const claims: Record<'admin' | 'support', Record<string, string>> = { admin: {}, support: {} };

  beforeAll(async () => {
    world = await createLambdaWorld(account(), 'lambda-api');
    Object.assign(process.env, world.environment);
    ({ handler } = await import('../../../control-plane/lambda/api.ts'));
    await world.identity.ensureRealm({ id: 'admin', displayName: 'Administration' });
    for (const [userName, role] of [
      ['admin', 'SystemAdmin'],
      ['support', 'CustomerSupport'],
    ] as const) {
      const email = `${userName}@platform.example`;
      // With a chosen password the administrator does not have to change a temporary one.
      const password = 'Correct-horse-battery-7';
      const { subject } = await world.identity.createUser('admin', { userName, email, role, password });
      claims[userName] = { sub: subject, client_id: ADMIN_CLIENT, token_use: 'access', scope: ALL, username: userName };
    }
  });
  beforeEach(() => {
    lines = [];
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  async function call(route: string, rawPath: string, options: EventOptions = {}): Promise<Response> {
    const response = await handler(httpEvent(route, rawPath, options));
    return { ...response, json: response.body === undefined ? undefined : asJson(response.body) };
  }

  async function asAdmin(route: string, rawPath: string, options: EventOptions = {}): Promise<Response> {
    return call(route, rawPath, { claims: claims.admin, ...options });
  }

  async function outbox(): Promise<Envelope[]> {
    const { items } = await world.table.query({ ...OUTBOX, limit: 1000 });
    return items.map(({ data }) => data);
  }

  test('ON-1: registers a tenant, puts its event into the outbox, and lists the tenant', async () => {
    const created = await asAdmin('POST /tenant-registrations', '/tenant-registrations', { body: BODY });
    expect(created).toMatchObject({
      statusCode: 201,
      headers: {
        'content-type': 'application/json',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'x-request-id': 'JKJaXmPLvHcESHA=',
      },
    });
    const { tenantId } = created.json.data;
    expect(await outbox()).toMatchObject([
      { detailType: 'onboardingRequest', detail: { tenantId, tenantName: 'acme' } },
    ]);
    const listed = await asAdmin('GET /tenants', '/tenants', { query: 'name=ac&limit=1&name=acme' });
    expect([listed.statusCode, listed.json.data]).toEqual([200, [expect.objectContaining({ tenantId })]]);
  });

  test('DX-9: the client for scripts acts as a SystemAdmin within its scopes', async () => {
    const client = { sub: AUTOMATION_CLIENT, client_id: AUTOMATION_CLIENT, token_use: 'access' };
    const reader = { ...client, scope: 'tenant/tenant_read' };
    expect((await call('GET /tenants', '/tenants', { claims: reader })).statusCode).toBe(200);
    expect((await call('GET /users', '/users', { claims: reader })).statusCode).toBe(403);
    const registration = {
      ...BODY,
      tenantData: { ...BODY.tenantData, tenantName: 'scripted', email: 'a@scripted.example' },
    };
    const post = (claims: Record<string, string>) =>
      call('POST /tenant-registrations', '/tenant-registrations', { claims, body: registration });
    expect((await post(reader)).statusCode).toBe(403);
    expect((await post({ ...client, scope: 'tenant/tenant_write' })).statusCode).toBe(201);
  });

  test('DX-9: describes the platform without a token, with the user pool as its issuer', async () => {
    const response = await call('GET /.well-known/tierplane', '/.well-known/tierplane', {});
    expect([response.statusCode, response.json]).toEqual([
      200,
      {
        issuer: `https://cognito-idp.${world.environment.AWS_REGION}.amazonaws.com/${world.environment.TIERPLANE_ADMIN_POOL}`,
        clientId: ADMIN_CLIENT,
        scope: ALL,
        controlPlanePath: '',
      },
    ]);
    expect(
      (await call('POST /credentials', '/credentials', { claims: claims.admin, body: { name: 'x' } })).statusCode,
    ).toBe(404);
  });

  describe('identifies the caller only by what API Gateway has verified', () => {
    const intruder = { userName: 'intruder', userRole: 'SystemAdmin', email: 'intruder@x.example' };

    test.each<[string, () => EventOptions, number]>([
      ['a caller without a token', () => ({}), 401],
      [
        'identity headers without a token',
        () => ({ headers: { authorization: 'Bearer x.y.z', 'x-amzn-oidc-data': 'x' } }),
        401,
      ],
      ['an ID token', () => ({ claims: { ...claims.admin, token_use: 'id' } }), 401],
      [
        'a token without a client',
        () => ({ claims: { sub: claims.admin.sub ?? '', token_use: 'access', scope: ALL } }),
        401,
      ],
      ['a user that the registry does not contain', () => ({ claims: { ...claims.admin, sub: 'unknown' } }), 401],
      ['a token without the required scope', () => ({ claims: { ...claims.admin, scope: 'user/user_read' } }), 403],
      ['a token without any scope', () => ({ claims: { ...claims.admin, scope: '' } }), 403],
      [
        'a scope that only starts with the required one',
        () => ({ claims: { ...claims.admin, scope: 'user/user_writer' } }),
        403,
      ],
      ['a user with read access only', () => ({ claims: claims.support }), 403],
      [
        'a role that only the token claims',
        () => ({ claims: { ...claims.support, role: 'SystemAdmin', 'custom:userRole': 'SystemAdmin' } }),
        403,
      ],
      ['the machine client on a route for users', () => ({ claims: MACHINE }), 403],
      ['an IAM signature on a route for users', () => ({ userArn: 'arn:aws:iam::000000000000:role/x' }), 403],
    ])('SE-1.2: and refuses %s', async (_caller, options, status) => {
      const response = await call('POST /users', '/users', { body: intruder, ...options() });
      expect([response.statusCode, response.json]).toEqual([
        status,
        { message: status === 401 ? 'Unauthorized' : 'Forbidden' },
      ]);
      expect(await world.identity.user('admin', 'intruder')).toBeUndefined();
    });

    test('and serves machine routes to machines only', async () => {
      const tenant = { tenantName: 'by machine', email: 'admin@machine.example', tier: 'basic' };
      const route = ['POST /tenants', '/tenants'] as const;
      expect((await asAdmin(...route, { body: tenant })).statusCode).toBe(403);
      expect((await call(...route, { body: tenant })).statusCode).toBe(403);
      const signed = await call(...route, { body: tenant, userArn: 'arn:aws:sts::000000000000:assumed-role/x/y' });
      expect(signed.statusCode).toBe(201);

      const { json } = await asAdmin('GET /tenant-registrations', '/tenant-registrations', { query: 'name=by' });
      const path = `/tenant-registrations/${json.data[0].tenantRegistrationId}`;
      const report = {
        tenantRegistrationData: { registrationStatus: 'created' },
        tenantData: { tenantStatus: 'created' },
      };
      const patch = 'PATCH /tenant-registrations/{tenantRegistrationId}';
      expect((await asAdmin(patch, path, { body: report })).statusCode).toBe(422);
      expect((await call(patch, path, { claims: MACHINE, body: report })).statusCode).toBe(200);
    });

    test('and refuses a disabled user at once', async () => {
      const email = 'leaver@platform.example';
      const { subject } = await world.identity.createUser('admin', { userName: 'leaver', email, role: 'SystemAdmin' });
      const leaver = { ...claims.admin, sub: subject };
      expect((await call('GET /users', '/users', { claims: leaver })).statusCode).toBe(200);
      const disabled = await asAdmin('PUT /users/{userId}/disable', '/users/leaver/disable');
      expect(disabled.statusCode).toBe(200);
      expect((await call('GET /users', '/users', { claims: leaver })).statusCode).toBe(401);
    });

    test('SE-1.14: and keeps concurrent callers in one process apart', async () => {
      const responses = await Promise.all(
        Array.from({ length: 12 }, (_, i) =>
          call('GET /users', '/users', i % 3 === 0 ? { claims: claims.admin } : i % 3 === 1 ? { claims: MACHINE } : {}),
        ),
      );
      expect(responses.map(({ statusCode }) => statusCode)).toEqual(
        Array.from({ length: 12 }, (_, i) => [200, 403, 401][i % 3]),
      );
    });
  });

  describe('reads the events of API Gateway', () => {
    const post = ['POST /tenant-registrations', '/tenant-registrations'] as const;

    test.each([
      ['{"tenantData":', 400],
      ['', 422],
      ['null', 422],
      ['[]', 422],
      [{ ...BODY, unknown: 1 }, 422],
      [{ ...BODY, tenantData: { ...BODY.tenantData, notes: 'x'.repeat(256 * 1024) } }, 413],
    ])('SE-6: and refuses a malformed body (%#), plain and in base64', async (body, status) => {
      const plain = await asAdmin(...post, { body });
      const encoded = await asAdmin(...post, { body, base64: true });
      expect([plain.statusCode, encoded.statusCode]).toEqual([status, status]);
      expect(encoded.json).toEqual(plain.json);
    });

    test('and accepts a body in base64 like a plain one', async () => {
      const tenantData = { tenantName: 'baker', email: 'admin@baker.example', tier: 'basic', shop: 'Bäcker ☕' };
      expect((await asAdmin(...post, { body: { ...BODY, tenantData }, base64: true })).statusCode).toBe(201);
      const { json } = await asAdmin('GET /tenants', '/tenants', { query: 'name=baker' });
      expect(json.data).toEqual([expect.objectContaining(tenantData)]);
    });

    test.each([
      ['sue+it@platform.example', '/users/sue+it@platform.example'],
      ['sue+it@platform.example', '/users/sue%2Bit%40platform.example'],
      ['zoë', '/users/zoë'],
      ['zoë', '/users/zo%C3%AB'],
      ['100%', '/users/100%'],
      ['100%', '/users/100%25'],
      ['a?b#c', '/users/a?b#c'],
      ['a%41', '/users/a%2541'],
    ])('and finds the user %s at %s', async (userName, rawPath) => {
      const body = {
        userName,
        userRole: 'CustomerSupport',
        email: `${Buffer.from(userName).toString('hex')}@x.example`,
      };
      const created = await asAdmin('POST /users', '/users', { body });
      expect([201, 409]).toContain(created.statusCode);
      const found = await asAdmin('GET /users/{userId}', rawPath);
      expect([found.statusCode, found.json.data?.userName]).toEqual([200, userName]);
    });

    test('and removes the name of the stage from the path', async () => {
      for (const [path, status] of [
        ['/prod/tenants', 200],
        ['/prod', 404],
        ['/prod/prod/tenants', 404],
        ['/products', 404],
      ] as const) {
        expect((await asAdmin('GET /tenants', path, { stage: 'prod' })).statusCode).toBe(status);
      }
    });

    test.each(['/', '//', '/nothing', '/users/%C3', '/tenants/', '/tenants/a/b'])(
      'and responds with 404 to %s',
      async (path) => {
        expect((await asAdmin('$default', path)).statusCode).toBe(404);
      },
    );
  });

  test('allows other origins to read the sign-in configuration of a tenant, and nothing else', async () => {
    const origin = { headers: { origin: 'https://acme.example' } };
    const login = await call('GET /tenant-config/{tenantName}', '/tenant-config/nobody', origin);
    expect([login.statusCode, login.headers?.['access-control-allow-origin']]).toEqual([404, '*']);
    const other = await asAdmin('GET /tenants', '/tenants', origin);
    expect(other.headers).not.toHaveProperty('access-control-allow-origin');
  });

  test('serves health and documentation without a token', async () => {
    expect((await call('GET /healthz', '/healthz')).json).toEqual({ status: 'ok' });
    expect((await call('GET /openapi.json', '/openapi.json')).json.servers).toEqual([{ url: '/' }]);
    const page = await call('GET /docs', '/docs');
    expect(page.headers?.['content-type']).toBe('text/html; charset=utf-8');
    expect(page.body).toContain('href="/openapi.json"');
  });

  test('ON-2: hides by response and time whether an address is known, and notifies its owner by mail', async () => {
    const signUp = (tenant_name: string) =>
      call('POST /onboarding', '/onboarding', {
        body: { tenant_name, email: 'owner@signup.example', password: 'Correct-horse-7-battery' },
      });
    const times: number[] = [];
    for (const name of ['first', 'second']) {
      const started = performance.now();
      expect(await signUp(name)).toMatchObject({ statusCode: 201, json: { tenant_id: expect.any(String) } });
      times.push(performance.now() - started);
    }
    expect(times.every((ms) => ms >= 990 && ms < 1_500)).toBe(true);
    const mails = await (await fetch(`${account().endpoint}/_ministack/ses/messages`)).text();
    expect(mails).toContain('owner@signup.example');
    expect(mails).toContain('You have an account already');
    expect((await asAdmin('GET /tenants', '/tenants', { query: 'name=second' })).json.data).toEqual([]);
  });

  test('SE-1.10: writes one log line per request, without token, body or name', async () => {
    const options = { headers: { authorization: 'Bearer secret-token' }, requestId: 'id-1' };
    const body = { userName: 'quiet', userRole: 'CustomerSupport', email: 'secret-body' };
    await asAdmin('POST /users', '/users', { ...options, body });
    await asAdmin('GET /users/{userId}', '/users/secret-name', { ...options, requestId: 'id-2' });
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { level: 'info', msg: 'request', requestId: 'id-1', route: 'POST /users', status: 422, ms: expect.any(Number) },
      {
        level: 'info',
        msg: 'request',
        requestId: 'id-2',
        route: 'GET /users/{userId}',
        status: 404,
        ms: expect.any(Number),
      },
    ]);
  });

  test('hides internal errors from the caller and logs them without their message', async () => {
    const { DynamoDBClient } = await import('@aws-sdk/client-dynamodb');
    const failure = Object.assign(new Error('secret one\n  secret two'), { name: 'ValidationException' });
    jest.spyOn(DynamoDBClient.prototype, 'send').mockImplementation(() => Promise.reject(failure));
    const response = await call('GET /users', '/users', { claims: claims.admin });
    expect([response.statusCode, response.json]).toEqual([
      500,
      { statusCode: 500, message: 'Unknown error during processing!' },
    ]);
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['request failed', 'request']);
    expect(lines.join()).toContain('ValidationException');
    expect(lines.join()).not.toContain('secret');
  });
});

describe('the environment of a function', () => {
  test('is refused with a list of every missing or malformed variable, without values', () => {
    const given = { AWS_REGION: 'us-east-1', TIERPLANE_TABLE: '', TIERPLANE_SENDER: 'secret', TIERPLANE_APP_URL: 'no' };
    const read = () => readEnvironment(given);
    expect(read).toThrow(expect.objectContaining({ code: 'CONFIG' }));
    for (const name of [
      'TABLE',
      'BUS',
      'PREFIX',
      'ADMIN_POOL',
      'ADMIN_CLIENT',
      'MACHINE_CLIENT',
      'AUTOMATION_CLIENT',
      'PASSWORD_KEY',
    ]) {
      expect(read).toThrow(`TIERPLANE_${name}:`);
    }
    expect(read).toThrow('TIERPLANE_SENDER:');
    expect(read).toThrow('TIERPLANE_APP_URL:');
    expect(read).not.toThrow('secret');
  });
});

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
