import { describe, expect, test } from '@jest/globals';
import type { EventOptions } from './http-events.ts';
import { ALL, describeLambdaApi, MACHINE } from './lambda-api.ts';

describeLambdaApi("the control plane's function in an emulated account", (api) => {
  const { call, asAdmin, claims } = api;

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
      expect(await api.world.identity.user('admin', 'intruder')).toBeUndefined();
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
      const { subject } = await api.world.identity.createUser('admin', {
        userName: 'leaver',
        email,
        role: 'SystemAdmin',
      });
      const leaver = { ...claims.admin, sub: subject };
      expect((await call('GET /users', '/users', { claims: leaver })).statusCode).toBe(200);
      const disabled = await asAdmin('PUT /users/{userId}/disable', '/users/leaver/disable');
      expect(disabled.statusCode).toBe(200);
      expect((await call('GET /users', '/users', { claims: leaver })).statusCode).toBe(401);
    });

    test('ID-6: and refuses tokens that were issued before the user ended all sessions', async () => {
      const email = 'traveller@platform.example';
      const { subject } = await api.world.identity.createUser('admin', {
        userName: 'away',
        email,
        role: 'SystemAdmin',
      });
      const { tokensValidFrom = 0 } = await api.world.identity.endSessions('admin', 'away');
      const statusAt = async (iat: number) =>
        (await call('GET /users', '/users', { claims: { ...claims.admin, sub: subject, iat: String(iat) } }))
          .statusCode;
      expect([await statusAt(tokensValidFrom - 1), await statusAt(tokensValidFrom)]).toEqual([401, 200]);
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
});
