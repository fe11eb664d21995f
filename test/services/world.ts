import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { type CryptoKey, decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { openTable, type SqliteTable } from '../../adapters/embedded/store/table.ts';
import { systemClock, systemRandom } from '../../adapters/shared/clock.ts';
import { createSignature } from '../../adapters/shared/identity/signature.ts';
import { mismatchOf } from '../../core/http/check-response.ts';
import type { AnyResponse, Declaration } from '../../core/http/operation.ts';
import { type Authorize, createAuthorize } from '../../core/identity/authorize.ts';
import type { CallerLookup } from '../../core/identity/caller-lookup.ts';
import type { Log } from '../../core/ports/log.ts';
import { newId } from '../../core/tenant/ids.ts';
import type { ServiceParts } from '../../services/kit/service.ts';
import { startKeySetServer } from '../support/key-set-server.ts';

export const TENANT_A = 'tenantaaaa';
export const TENANT_B = 'tenantbbbb';
export const AUDIENCE = 'urn:tierplane:api';
const ISSUER = 'http://platform.example/realms/pool';

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

export interface Reply {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests read responses of every shape
  readonly body: any;
  readonly headers: Record<string, unknown>;
  readonly text: string;
}

/** An issuer with its published keys, a temporary directory, and the services that a test builds. */
export class World {
  readonly dir = mkdtempSync(join(tmpdir(), 'tp-svc-'));
  readonly lines: LogLine[] = [];
  readonly authorize: Authorize;
  readonly issuers: readonly object[];
  readonly #privateKey: CryptoKey;
  readonly #closing: (() => unknown)[] = [];

  private constructor(privateKey: CryptoKey, jwksUri: string) {
    this.#privateKey = privateKey;
    const trusted = { issuer: ISSUER, realm: 'pool' as const, clientIds: ['tierplane-app'], audience: AUDIENCE };
    this.issuers = [{ ...trusted, jwksUri }];
    const signature = createSignature({ jwksUri: () => jwksUri, clock: systemClock });
    this.authorize = createAuthorize({
      issuers: (issuer) => (issuer === ISSUER ? trusted : undefined),
      verifySignature: signature.verify,
      clock: systemClock,
    });
  }

  static async open(): Promise<World> {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const keys = [{ ...(await exportJWK(publicKey)), kid: 'key-1', alg: 'ES256' }];
    const server = await startKeySetServer(keys);
    const world = new World(privateKey, server.url);
    world.onClose(server.close);
    return world;
  }

  onClose(close: () => unknown): void {
    this.#closing.unshift(close);
  }

  async close(): Promise<void> {
    for (const close of this.#closing) await close();
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** An `Authorization` header with a real token. */
  async bearer(claims: Record<string, unknown> = {}): Promise<string> {
    const token = await new SignJWT({
      client_id: 'tierplane-app',
      token_use: 'access',
      tenantId: TENANT_A,
      tier: 'basic',
      role: 'TenantAdmin',
      ...claims,
    })
      .setProtectedHeader({ alg: 'ES256', kid: 'key-1', typ: 'at+jwt' })
      .setIssuer(ISSUER)
      .setSubject('subject-1')
      .setAudience(AUDIENCE)
      .setIssuedAt()
      .setExpirationTime('10m')
      .sign(this.#privateKey);
    return `Bearer ${token}`;
  }

  /** The parts of a service, with a store of its own. */
  parts(name: string, over: Partial<ServiceParts> = {}): ServiceParts & { table: SqliteTable } {
    const table = openTable({ file: join(this.dir, `${newId(Date.now(), systemRandom)}.db`), clock: systemClock });
    this.onClose(() => table.close());
    return {
      name,
      config: { tenant: '', identityUrl: 'http://127.0.0.1:9' },
      authorize: this.authorize,
      callers: registered,
      log: this.#log(),
      clock: systemClock,
      ids: () => newId(Date.now(), systemRandom),
      directory: { endpoints: () => [] },
      tableOf: () => table,
      checkReady: async () => void (await table.get({ pk: 'ready', sk: 'ready' })),
      onResponse: recordMismatch,
      ...over,
      table,
    };
  }

  use(app: FastifyInstance): FastifyInstance {
    this.onClose(() => app.close());
    return app;
  }

  #log(): Log {
    const at = (level: string) => (fields: object, message: string) =>
      void this.lines.push({ level, message, fields: fields as Record<string, unknown> });
    return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  }
}

/** A registry that agrees with every token. */
const registered: CallerLookup = async ({ authorization }) => {
  const { role, tenantId } = decodeJwt<{ role: string; tenantId: string }>(authorization.replace('Bearer ', ''));
  return { role, tenantId };
};

const mismatches: string[] = [];

function recordMismatch(operation: Declaration, response: AnyResponse): void {
  const mismatch = mismatchOf(operation, response);
  if (mismatch !== undefined) mismatches.push(mismatch);
}

/** Calls a service without a port. Throws if a response does not fit the declaration of its operation. */
export async function send(
  app: FastifyInstance,
  method: NonNullable<InjectOptions['method']>,
  url: string,
  authorization?: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const response = await app.inject({
    method,
    url,
    headers: { ...(authorization && { authorization }), ...headers },
    ...(body !== undefined && { payload: body as object }),
  });
  if (mismatches.length > 0) throw new Error(mismatches.splice(0).join('\n'));
  const json = String(response.headers['content-type'] ?? '').includes('json');
  return {
    status: response.statusCode,
    body: json ? response.json() : undefined,
    headers: response.headers,
    text: response.payload,
  };
}

export const BOOK = { name: 'A book', sku: 'BOOK-1', category: 'books', price: { amount: 1999, currency: 'EUR' } };
