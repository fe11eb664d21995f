import assert from 'node:assert/strict';
import {
  CognitoIdentityProviderClient,
  DescribeUserPoolClientCommand,
  DescribeUserPoolCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { clientConfig } from './bus-watch.ts';
import { type EmulatedAccount, REGION } from './emulated-account.ts';
import { invitedPassword } from './invited-password.ts';
import { signIn } from './managed-login.ts';
import { type PublicResponse, requestPublic } from './public-address.ts';

/** The password of the tenants' users. The account exists only during the rehearsal. */
const PASSWORD = 'Rehearsed-horse-battery-7';

/** What `GET /tenant-config/<name>` says. */
export interface TenantConfig {
  /** `https://cognito-idp.<region>.amazonaws.com/<user pool>` */
  readonly authServer: string;
  readonly clientId: string;
  readonly apiUrl: string;
}

/** A tenant as its users see it: sign-in page and API. */
export class RehearsedTenant {
  readonly tenantId: string;
  readonly name: string;
  readonly tier: string;
  readonly email: string;
  readonly #account: EmulatedAccount;
  readonly #config: TenantConfig;
  #token = '';

  constructor(
    account: EmulatedAccount,
    config: TenantConfig,
    tenant: { readonly tenantId: string; readonly name: string; readonly tier: string; readonly email: string },
  ) {
    this.#account = account;
    this.#config = config;
    this.tenantId = tenant.tenantId;
    this.name = tenant.name;
    this.tier = tenant.tier;
    this.email = tenant.email;
  }

  /** The access token of the signed-in user. */
  get token(): string {
    return this.#token;
  }

  /** Signs the invited administrator in by managed login with PKCE, and sets a password. */
  async signInAdministrator(): Promise<void> {
    const cognito = new CognitoIdentityProviderClient(clientConfig(this.#account));
    const UserPoolId = new URL(this.#config.authServer).pathname.slice(1);
    const ClientId = this.#config.clientId;
    const { UserPool } = await cognito.send(new DescribeUserPoolCommand({ UserPoolId }));
    const client = await cognito.send(new DescribeUserPoolClientCommand({ UserPoolId, ClientId }));
    assert(UserPool?.Domain, `the user pool of ${this.name} must have a domain`);
    const tokens = await signIn(this.#account, {
      domain: `https://${UserPool.Domain}.auth.${REGION}.amazoncognito.com`,
      clientId: ClientId,
      callbackUrl: client.UserPoolClient?.CallbackURLs?.[0] ?? '',
      scope: 'openid email',
      userName: this.email,
      password: await invitedPassword(this.#account, this.email),
      newPassword: PASSWORD,
    });
    this.#token = tokens.accessToken;
  }

  /** Sends a request to the tenant's API. @param headers in addition to the token */
  request(
    method: 'GET' | 'POST',
    path: string,
    options: { readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> } = {},
  ): Promise<PublicResponse> {
    const { body, headers } = options;
    return requestPublic(this.#account, `${this.#config.apiUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }
}
