import assert from 'node:assert/strict';
import {
  CognitoIdentityProviderClient,
  DescribeUserPoolClientCommand,
  DescribeUserPoolCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { jsonIn } from '../../core/encoding/json.ts';
import { clientConfig } from '../bus-watch.ts';
import { type EmulatedAccount, REGION } from '../emulated-account.ts';
import { invitedPassword } from '../invited-password.ts';
import { signIn } from '../managed-login.ts';
import { type PublicResponse, requestPublic } from '../public-address.ts';

/** The password of the tenants' users. The account exists only during the rehearsal. */
export const PASSWORD = 'Rehearsed-horse-battery-7';

/** What `GET /tenant-config/<name>` says. */
export interface TenantConfig {
  /** `https://cognito-idp.<region>.amazonaws.com/<user pool>` */
  readonly authServer: string;
  readonly clientId: string;
  readonly apiUrl: string;
}

/** A tenant as the platform's administrator has registered it, or as a company has signed itself up. */
export interface Registered {
  readonly tenantId: string;
  readonly registrationId: string;
  readonly name: string;
  readonly tier: string;
  /** Of the tenant's first administrator. */
  readonly email: string;
}

export interface RequestOptions {
  /** Sent as JSON. */
  readonly body?: unknown;
  /** In addition to the token. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A signed-in user. Sends a request to the API of the user's tenant. A token that has expired is renewed. */
export type TenantUser = (
  method: 'GET' | 'POST',
  path: string,
  options?: RequestOptions,
) => Promise<PublicResponse & { readonly body: unknown }>;

/** A tenant as its users see it: sign-in page and API. */
export class RehearsedTenant {
  readonly registered: Registered;
  readonly #account: EmulatedAccount;
  readonly #config: TenantConfig;
  #administrator: TenantUser | undefined;

  constructor(account: EmulatedAccount, config: TenantConfig, registered: Registered) {
    this.#account = account;
    this.#config = config;
    this.registered = registered;
  }

  get tenantId(): string {
    return this.registered.tenantId;
  }

  /** The first administrator, who has signed in. */
  get administrator(): TenantUser {
    assert(this.#administrator, `the administrator of ${this.registered.name} must have signed in`);
    return this.#administrator;
  }

  /** Signs the first administrator in. @param password @default - the temporary password of the invitation, to be replaced */
  async signInAdministrator(password?: string): Promise<TenantUser> {
    const { email } = this.registered;
    this.#administrator =
      password === undefined ? await this.signInInvited(email) : await this.#signIn(email, password);
    return this.#administrator;
  }

  /** Signs a user in with the temporary password of the latest invitation, and sets a password. */
  async signInInvited(email: string): Promise<TenantUser> {
    return await this.#signIn(email, await invitedPassword(this.#account, email), PASSWORD);
  }

  /** By managed login with PKCE. @param newPassword the password to set if the page requires one */
  async #signIn(email: string, password: string, newPassword?: string): Promise<TenantUser> {
    const cognito = new CognitoIdentityProviderClient(clientConfig(this.#account));
    const UserPoolId = new URL(this.#config.authServer).pathname.slice(1);
    const ClientId = this.#config.clientId;
    const { UserPool } = await cognito.send(new DescribeUserPoolCommand({ UserPoolId }));
    const client = await cognito.send(new DescribeUserPoolClientCommand({ UserPoolId, ClientId }));
    assert(UserPool?.Domain, `the user pool of ${this.registered.name} must have a domain`);
    const signInWith = async (change: string | undefined, current = password): Promise<string> => {
      const secret = { password: current, ...(change !== undefined && { newPassword: change }) };
      const { accessToken } = await signIn(this.#account, { ...page, userName: email, ...secret });
      return accessToken;
    };
    const page = {
      domain: `https://${UserPool.Domain}.auth.${REGION}.amazoncognito.com`,
      clientId: ClientId,
      callbackUrl: client.UserPoolClient?.CallbackURLs?.[0] ?? '',
      scope: 'openid email',
    };
    let token = await signInWith(newPassword);
    return async (method, path, options) => {
      const response = await this.#request(token, method, path, options);
      if (response.status !== 401) return response;
      token = await signInWith(undefined, newPassword ?? password);
      return await this.#request(token, method, path, options);
    };
  }

  async #request(
    token: string,
    method: 'GET' | 'POST',
    path: string,
    { body, headers }: RequestOptions = {},
  ): ReturnType<TenantUser> {
    const response = await requestPublic(this.#account, `${this.#config.apiUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { ...response, body: jsonIn(response.text) };
  }
}
