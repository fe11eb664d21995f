import { afterAll, beforeAll, describe, jest } from '@jest/globals';
import { generateKeyPair } from 'jose';
import { systemClock } from '../../adapters/shared/clock.ts';
import { BOOK, send, TENANT_A, TENANT_B, World } from '../services/world.ts';
import { listen } from '../support/http-server.ts';
import { loadMutant } from '../support/mutant.ts';
import { silentLog } from '../support/silent-log.ts';
import { AuthorizerScene } from './authorizer-scene.ts';
import { type Attack, attackOn } from './code-attack.ts';

// A copy of the code is bundled for each test.
jest.setTimeout(60_000);

describe('attacks on the code that runs on AWS', () => {
  let scene: AuthorizerScene;
  let world: World;
  beforeAll(async () => {
    scene = await AuthorizerScene.open();
    world = await World.open();
  });
  afterAll(async () => {
    await scene.close();
    await world.close();
  });

  describe('SE-1.2 on AWS: the authorizer takes a token that another key has signed', () => {
    const attack: Attack = async (mutations) => {
      const { privateKey } = await generateKeyPair('RS256');
      return scene.admits(await scene.token({}, undefined, privateKey), mutations);
    };
    attackOn(attack, 'the check of the signature', {
      file: 'core/identity/authorize.ts',
      find: 'if (!(await verifySignature(compact, { issuer, kid: header.data.kid, alg: header.data.alg })))',
      replace: 'if (!verifySignature)',
    });
  });

  describe('SE-1.2 on AWS: the authorizer takes an ID token for an access token', () => {
    const attack: Attack = async (mutations) => scene.admits(await scene.token({ token_use: 'id' }), mutations);
    attackOn(attack, 'the check of token_use', {
      file: 'core/identity/authorize.ts',
      find: "token_use: z.literal('access')",
      replace: 'token_use: z.string()',
    });
  });

  describe('SE-1.2 on AWS: the authorizer trusts an issuer that is not a user pool of the platform', () => {
    const attack: Attack = async (mutations) => scene.admits(await scene.token({}, 'eu-west-1_evil'), mutations);
    attackOn(attack, 'the list of issuers', {
      file: 'app-plane/lambda/realm-authorize.ts',
      find: 'const pool = (await table.get(issuerKey(issuer)))?.data;',
      replace: "const pool = { realm: 'pool', clientId: 'app' } as const;",
    });
  });

  /** The products service, with these changes of its code. */
  const products: (mutations: Parameters<Attack>[0]) => Promise<ReturnType<World['use']>> = async (mutations) => {
    const code = await loadMutant<typeof import('../../services/products/app.ts')>(
      ['services/products/app.ts'],
      mutations,
    );
    return world.use(code.buildProducts(world.parts('products')));
  };

  describe("SE-1.3 on AWS: a load balancer's identity header stands in for the token", () => {
    const attack: Attack = async (mutations) => {
      const app = await products(mutations);
      const [a, b] = [await world.bearer({ tenantId: TENANT_A }), await world.bearer({ tenantId: TENANT_B })];
      const { productId } = (await send(app, 'POST', '/v1/products', a, BOOK)).body;
      const headers = { 'x-amzn-oidc-data': a.replace('Bearer ', '') };
      return (await send(app, 'GET', `/v1/products/${productId}`, b, undefined, headers)).status === 200;
    };
    attackOn(attack, 'the rule that only the Authorization header counts', {
      file: 'services/kit/service.ts',
      find: 'const authorization = request.headers.authorization;',
      replace: `const oidc = request.headers['x-amzn-oidc-data'];
        const authorization = oidc ? \`Bearer \${oidc}\` : request.headers.authorization;`,
    });
  });

  describe("SE-1.9 on AWS: the authorizer's cache confuses the same subject of two user pools", () => {
    const attack: Attack = async (mutations) => {
      const code = await loadMutant<typeof import('../../app-plane/gateway/registry.ts')>(
        ['app-plane/gateway/registry.ts'],
        mutations,
      );
      const registry = code.cachedRegistry(
        {
          subject: async (realm, subject) => ({
            ...{ realm, subject, issuer: realm, userName: realm, email: `${realm}@x.example`, role: 'TenantAdmin' },
            ...{ enabled: true, tenantId: realm === 'pool' ? TENANT_A : TENANT_B },
          }),
          route: async (tenantId) => ({
            ...{ tenantId, slug: tenantId, apiKey: tenantId, realm: 'pool', cluster: 'pool', silo: false },
            ...{ tier: 'basic', state: 'active' },
          }),
        },
        { clock: systemClock },
      );
      await registry.lookup('pool', 'the same');
      return (await registry.lookup(`tenant-${TENANT_B}`, 'the same')).route?.tenantId === TENANT_A;
    };
    attackOn(attack, 'the realm in the comparison', {
      file: 'app-plane/gateway/registry.ts',
      find: 'if (subject?.realm !== realm) return',
      replace: 'if (!subject) return',
    });
  });

  describe("SE-1.9 on AWS: a request gets the session of another tenant's request", () => {
    const attack: Attack = async (mutations) => {
      const code = await loadMutant<typeof import('../../adapters/aws/store/tenant-sessions.ts')>(
        ['adapters/aws/store/tenant-sessions.ts'],
        mutations,
      );
      const expiration = new Date(Date.now() + 3_600_000);
      const start = async (tenantId: string) => ({
        ...{ accessKeyId: tenantId, secretAccessKey: 'x', sessionToken: 'x', expiration },
      });
      const sessions = code.cacheSessions(start, { clock: systemClock });
      const [, other] = await Promise.all([sessions(TENANT_A), sessions(TENANT_B)]);
      return other?.accessKeyId === TENANT_A;
    };
    attackOn(attack, 'the tenant in the key of what is on its way', {
      file: 'adapters/aws/store/tenant-sessions.ts',
      find: 'const running = inFlight.get(tenantId);',
      replace: 'const [running] = inFlight.values();',
    });
  });

  describe('SE-1.10 on AWS: the log of the authorizer contains the token', () => {
    const attack: Attack = async (mutations) => {
      const token = await scene.token();
      scene.log.length = 0;
      if (!(await scene.admits(token, mutations))) throw new Error('the token must be admitted');
      return scene.log.join().includes(token.slice(-40));
    };
    attackOn(attack, 'the list of what is logged', {
      file: 'app-plane/lambda/authorize-request.ts',
      find: "log.info({ tenantId, allowed: true }, 'authorized');",
      replace: "log.info({ tenantId, authorizationToken, allowed: true }, 'authorized');",
    });
  });

  describe("SE-1.12 on AWS: a path makes the ingress of a task connect to the task's metadata", () => {
    const attack: Attack = async (mutations) => {
      const code = await loadMutant<typeof import('../../app-plane/ingress/app.ts')>(
        ['app-plane/ingress/app.ts'],
        mutations,
      );
      const connected: (string | null | undefined)[] = [];
      const ingress = code.createIngress({
        config: { services: ['orders'], stage: 'prod', shard: 's1', servicePort: 8_080 },
        ...{ log: silentLog, clock: systemClock, limits: { lingerMs: 0 } },
        connect: ({ hostname }, callback) => {
          connected.push(hostname);
          callback(new Error('there is no network'), null);
        },
      });
      const { url } = await listen(ingress.server);
      await fetch(`${url}/169.254.170.2/v2/credentials`);
      await ingress.drain(0);
      return connected.includes('169.254.170.2');
    };
    attackOn(
      attack,
      'the list of services',
      {
        file: 'app-plane/ingress/target.ts',
        find: 'return services.includes(service) ?',
        replace: 'return services ?',
      },
      {
        file: 'app-plane/ingress/app.ts',
        find: 'pools.get(target.service)',
        replace: '(pools.get(target.service) ?? poolOf(target.service))',
      },
    );
  });

  describe('SE-1.13 on AWS: a task asks STS for a session with a pattern as the tag', () => {
    const attack: Attack = async (mutations) => {
      const code = await loadMutant<typeof import('../../adapters/aws/store/tenant-sessions.ts')>(
        ['adapters/aws/store/tenant-sessions.ts'],
        mutations,
      );
      const tags: unknown[] = [];
      const sts = {
        send: async ({ input }: { input: { Tags: readonly { Value: string }[] } }) => {
          tags.push(...input.Tags.map(({ Value }) => Value));
          throw Object.assign(new Error('no account'), { name: 'AccessDenied' });
        },
      };
      const start = code.createSessionStart(sts as unknown as Parameters<typeof code.createSessionStart>[0], 'role');
      await start('*').catch(() => undefined);
      return tags.includes('*');
    };
    attackOn(attack, 'the check of the tenant id', {
      file: 'adapters/aws/store/tenant-sessions.ts',
      find: 'if (!TENANT_ID.test(tenantId)) {',
      replace: 'if (tenantId === "") {',
    });
  });

  describe('SE-1.14 on AWS: a warm task serves a tenant with what it kept of the tenant before', () => {
    const attack: Attack = async (mutations) => {
      const app = await products(mutations);
      const [a, b] = [await world.bearer({ tenantId: TENANT_A }), await world.bearer({ tenantId: TENANT_B })];
      await send(app, 'POST', '/v1/products', a, BOOK);
      const { body } = await send(app, 'GET', '/v1/products', b);
      return body.data.length > 0;
    };
    attackOn(attack, 'a context for each request', {
      file: 'services/kit/tenant-context.ts',
      find: 'return { ...caller, role, table: guardedTable(',
      replace:
        '(globalThis as any).kept ??= { ...caller, role, table: guardedTable(scopedTable(table, caller.tenantId), guard) };\n  return (globalThis as any).kept ?? { ...caller, role, table: guardedTable(',
    });
  });

  describe('SE-1.15 on AWS: a client chooses the id of a product', () => {
    const attack: Attack = async (mutations) => {
      const app = await products(mutations);
      const a = await world.bearer({ tenantId: TENANT_A });
      const { status, body } = await send(app, 'POST', '/v1/products', a, { ...BOOK, productId: 'chosen' });
      return status === 201 && body.productId === 'chosen';
    };
    attackOn(attack, 'the strict schema', {
      file: 'services/products/schema.ts',
      find: '.strictObject({\n    name: visibleText(200),',
      replace: '.looseObject({\n    name: visibleText(200),',
    });
  });
});
