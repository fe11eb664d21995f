import { describe, expect, jest, test } from '@jest/globals';
import { OUTBOX } from '../../../core/events/outbox-partitions.ts';
import type { Envelope } from '../../../core/ports/event-bus.ts';
import { ALL, BODY, describeLambdaApi } from './lambda-api.ts';
import { ADMIN_CLIENT, AUTOMATION_CLIENT } from './lambda-world.ts';

describeLambdaApi("the control plane's function in an emulated account", (api) => {
  const { call, asAdmin, claims } = api;

  async function outbox(): Promise<Envelope[]> {
    const { items } = await api.world.table.query({ ...OUTBOX, limit: 1000 });
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
    expect(listed.json.data[0].actions).toContainEqual({
      ...{ name: 'retry', allowed: false },
      reason: 'Onboarding is in progress; it can be retried once it has taken 75 minutes.',
    });
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
        issuer: `https://cognito-idp.${api.world.environment.AWS_REGION}.amazonaws.com/${api.world.environment.TIERPLANE_ADMIN_POOL}`,
        clientId: ADMIN_CLIENT,
        scope: ALL,
        controlPlanePath: '',
      },
    ]);
    expect(
      (await call('POST /credentials', '/credentials', { claims: claims.admin, body: { name: 'x' } })).statusCode,
    ).toBe(404);
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
      ['a#c', '/users/a#c'],
      ['a%41', '/users/a%2541'],
    ])('and finds the user %s at %s', async (userName, rawPath) => {
      const body = {
        userName,
        userRole: 'CustomerSupport',
        email: userName.includes('@') ? userName : `${Buffer.from(userName).toString('hex')}@x.example`,
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
        expect((await asAdmin('GET $default', path)).statusCode).toBe(404);
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
    const mails = await (await fetch(`${api.account.endpoint}/_ministack/ses/messages`)).text();
    expect(mails).toContain('owner@signup.example');
    expect(mails).toContain('You have an account already');
    expect((await asAdmin('GET /tenants', '/tenants', { query: 'name=second' })).json.data).toEqual([]);
  });

  test('SE-1.10: writes one log line per request, without token, body or name', async () => {
    const options = { headers: { authorization: 'Bearer secret-token' }, requestId: 'id-1' };
    const body = { userName: 'quiet', userRole: 'CustomerSupport', email: 'secret-body' };
    await asAdmin('POST /users', '/users', { ...options, body });
    await asAdmin('GET /users/{userId}', '/users/secret-name', { ...options, requestId: 'id-2' });
    expect(api.lines.map((line) => JSON.parse(line))).toEqual([
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
    expect(api.lines.map((line) => JSON.parse(line).msg)).toEqual(['request failed', 'request']);
    expect(api.lines.join()).toContain('ValidationException');
    expect(api.lines.join()).not.toContain('secret');
  });
});
