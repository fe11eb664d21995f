import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { issuerKey, issuerOfPool } from '../../adapters/aws/identity/issuer-record.ts';
import type { RealmId } from '../../core/ports/identity.ts';
import { put } from '../../core/ports/table.ts';
import { routeKey, subjectKey } from '../../core/routing/registry.ts';
import { tenantRoute } from '../app-plane/gateway/fixture.ts';
import { type KeySetServer, startKeySetServer } from '../support/key-set-server.ts';
import { loadMutant, type Mutation } from '../support/mutant.ts';
import { recordingLog } from '../support/recording-log.ts';
import { openScratchTable } from '../support/scratch-table.ts';

export const TENANT = 'tenantaaaa';
const POOL = 'eu-west-1_pool';
const SUBJECT = 'subject-1';
const MODULES = [
  'app-plane/lambda/authorize-request.ts',
  'app-plane/lambda/realm-authorize.ts',
  'app-plane/gateway/registry.ts',
];

type Modules = typeof import('../../app-plane/lambda/authorize-request.ts') &
  typeof import('../../app-plane/lambda/realm-authorize.ts') &
  typeof import('../../app-plane/gateway/registry.ts');

type Scratch = Awaited<ReturnType<typeof openScratchTable>>;

/** The authorizer of the REST API, with a user of one tenant in its registry, and the keys of the user pools. */
export class AuthorizerScene {
  readonly log: string[] = [];
  readonly #scratch: Scratch;
  readonly #keySet: KeySetServer;
  readonly #privateKey: CryptoKey;

  private constructor(scratch: Scratch, keySet: KeySetServer, privateKey: CryptoKey) {
    this.#scratch = scratch;
    this.#keySet = keySet;
    this.#privateKey = privateKey;
  }

  static async open(): Promise<AuthorizerScene> {
    const { publicKey, privateKey } = await generateKeyPair('RS256');
    const keySet = await startKeySetServer([{ ...(await exportJWK(publicKey)), kid: 'k1' }]);
    const scratch = await openScratchTable();
    const scene = new AuthorizerScene(scratch, keySet, privateKey);
    const realm: RealmId = 'pool';
    const subject = {
      issuer: 'any',
      subject: SUBJECT,
      realm,
      userName: 'a',
      email: 'a@a.example',
      role: 'TenantAdmin',
    } as const;
    await scratch.table.transact([
      put({ ...issuerKey(issuerOfPool('eu-west-1', POOL)), version: 1, data: { realm, clientId: 'app' } }),
      put({ ...routeKey(TENANT), version: 1, data: tenantRoute(TENANT) }),
      put({ ...subjectKey(realm, SUBJECT), version: 1, data: { ...subject, tenantId: TENANT, enabled: true } }),
    ]);
    return scene;
  }

  async close(): Promise<void> {
    await this.#keySet.close();
    await this.#scratch.close();
  }

  /** A token of the user. @param userPoolId of its issuer. @param key signs it instead of the user pool's key */
  async token(claims: JWTPayload = {}, userPoolId = POOL, key = this.#privateKey): Promise<string> {
    const now = Math.floor(this.#scratch.clock.now() / 1_000);
    const own = { client_id: 'app', token_use: 'access', tenantId: TENANT, iat: now, exp: now + 600 };
    const jwt = new SignJWT({ iss: issuerOfPool('eu-west-1', userPoolId), sub: SUBJECT, ...own, ...claims });
    return `Bearer ${await jwt.setProtectedHeader({ alg: 'RS256', kid: 'k1' }).sign(key)}`;
  }

  /** Whether the authorizer, with these changes of its code, admits a request with the token. */
  async admits(authorizationToken: string, mutations: readonly Mutation[]): Promise<boolean> {
    const code = await loadMutant<Modules>(MODULES, mutations);
    const { table, clock } = this.#scratch;
    const authorizer = code.createAuthorizer({
      authorize: code.createRealmAuthorize(table, clock, new URL(this.#keySet.url).origin),
      registry: code.cachedRegistry(code.tableRegistry(table), { clock }),
      keyCheck: async () => undefined,
      ...{ clock, log: recordingLog(this.log) },
    });
    try {
      const methodArn = 'arn:aws:execute-api:eu-west-1:123456789012:abcdef/prod/GET/s1/products';
      const { policyDocument } = await authorizer({ authorizationToken, methodArn });
      return policyDocument.Statement.every(({ Effect }) => Effect === 'Allow');
    } catch (error) {
      if (error instanceof Error && error.message === 'Unauthorized') return false;
      throw error;
    }
  }
}
