import { afterEach, beforeAll, beforeEach, jest } from '@jest/globals';
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { EmulatedAccount } from '../../../rehearsal/emulated-account.ts';
import { describeInAccount } from '../../rehearsal/account.ts';
import { type EventOptions, httpEvent } from './http-events.ts';
import { ADMIN_CLIENT, createLambdaWorld, type LambdaWorld, MACHINE_CLIENT } from './lambda-world.ts';

jest.setTimeout(60_000);

/** Every scope of the control plane. */
export const ALL = 'openid tenant/tenant_read tenant/tenant_write user/user_read user/user_write';
export const MACHINE = {
  ...{ sub: MACHINE_CLIENT, client_id: MACHINE_CLIENT, token_use: 'access' },
  scope: 'tenant/tenant_write',
};
/** A tenant registration. */
export const BODY = {
  tenantData: { tenantName: 'acme', email: 'admin@acme.example', tier: 'basic' },
  tenantRegistrationData: { registrationStatus: 'In progress' },
};

// biome-ignore lint/suspicious/noExplicitAny: the tests read responses as plain JSON
type Body = any;
export interface JsonResponse extends APIGatewayProxyStructuredResultV2 {
  readonly json: Body;
}

/** The control plane's function, with a SystemAdmin and a CustomerSupport in its registry. */
export interface LambdaApi {
  readonly account: EmulatedAccount;
  readonly world: LambdaWorld;
  /** The claims of the tokens of the two users. */
  readonly claims: Readonly<Record<'admin' | 'support', Readonly<Record<string, string>>>>;
  /** The log lines of the current test. */
  readonly lines: readonly string[];
  call(route: string, rawPath: string, options?: EventOptions): Promise<JsonResponse>;
  asAdmin(route: string, rawPath: string, options?: EventOptions): Promise<JsonResponse>;
}

/** A suite around the control plane's function, in an emulated account of its own. */
export function describeLambdaApi(title: string, define: (api: LambdaApi) => void): void {
  describeInAccount(title, (account) => {
    let world: LambdaWorld;
    let handler: typeof import('../../../control-plane/lambda/api.ts').handler;
    let lines: string[] = [];
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
        claims[userName] = {
          ...{ sub: subject, client_id: ADMIN_CLIENT, token_use: 'access' },
          ...{ scope: ALL, username: userName },
        };
      }
    });
    beforeEach(() => {
      lines = [];
      jest.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
    });
    afterEach(() => {
      jest.restoreAllMocks();
    });

    async function call(route: string, rawPath: string, options: EventOptions = {}): Promise<JsonResponse> {
      const response = await handler(httpEvent(route, rawPath, options));
      return { ...response, json: response.body === undefined ? undefined : asJson(response.body) };
    }

    define({
      get account() {
        return account();
      },
      get world() {
        return world;
      },
      get lines() {
        return lines;
      },
      claims,
      call,
      asAdmin: (route, rawPath, options) => call(route, rawPath, { claims: claims.admin, ...options }),
    });
  });
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
