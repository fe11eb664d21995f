import { existsSync, rmSync } from 'node:fs';
import type { Tenant } from '../control-plane/api/tenants/responses.ts';
import { isDomainError } from '../core/errors.ts';
import { ADMIN_SIGN_IN_SCOPE, CLI_CLIENT } from '../core/identity/issuers.ts';
import { slugOf, TENANT_ID } from '../core/tenant/names.ts';
import type { AdminCredentials } from '../embedded/admin.ts';
import { readJson, writePrivate } from '../embedded/data-dir.ts';
import type { Running } from '../embedded/running.ts';
import { type CliContext, requireRunning } from './context.ts';
import { CliError } from './exit-codes.ts';
import { signIn } from './oidc-client.ts';
import { withNote } from './output.ts';

/** A cached token is used until this long before it ends, in milliseconds. */
const TOKEN_MARGIN_MS = 30_000;

interface StoredToken {
  readonly issuer: string;
  readonly userName: string;
  readonly accessToken: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** The control plane, called as anyone would: over HTTP, with an admin's token got by OIDC. */
export class ControlPlane {
  readonly #context: CliContext;
  readonly running: Running;
  /** How a hint calls the command line for this platform. */
  readonly tierplane: string;
  #token: string | undefined;

  constructor(context: CliContext) {
    this.#context = context;
    this.tierplane = context.tierplane;
    this.running = requireRunning(context);
  }

  /** An admin's access token; kept in the data directory (mode 0600) while it lasts. */
  async token(): Promise<string> {
    this.#token ??= this.#storedToken() ?? (await this.#freshToken());
    return this.#token;
  }

  #storedToken(): string | undefined {
    const stored = readJson<StoredToken>(this.#context.dir.cliToken);
    const fits =
      stored?.issuer === this.#issuer() &&
      stored.userName === this.#credentials().email &&
      stored.expiresAt - TOKEN_MARGIN_MS > Date.now();
    return fits ? stored.accessToken : undefined;
  }

  #issuer(): string {
    return `${this.running.urls.publicUrl}/realms/admin`;
  }

  async #freshToken(): Promise<string> {
    const { email, password } = this.#credentials();
    const user = { issuer: this.#issuer(), userName: email, password, scope: ADMIN_SIGN_IN_SCOPE };
    const tokens = await signInOrFail(
      user,
      `the first admin's password is in ${this.#context.dir.admin}; after a change, or as another admin, say ` +
        'TIERPLANE_ADMIN_EMAIL and TIERPLANE_ADMIN_PASSWORD',
    );
    writePrivate(this.#context.dir.cliToken, {
      issuer: this.#issuer(),
      userName: email,
      accessToken: tokens.accessToken,
      expiresAt: Date.now() + tokens.expiresIn * 1000,
    } satisfies StoredToken);
    return tokens.accessToken;
  }

  #credentials(): AdminCredentials {
    const { TIERPLANE_ADMIN_EMAIL: email, TIERPLANE_ADMIN_PASSWORD: password } = process.env;
    if (email && password) return { email, password };
    const stored = readJson<AdminCredentials>(this.#context.dir.admin);
    if (stored) return stored;
    throw new CliError('signIn', `no admin credentials in ${this.#context.dir.admin}`, {
      hint: 'set TIERPLANE_ADMIN_EMAIL and TIERPLANE_ADMIN_PASSWORD',
    });
  }

  /** The body of a 2xx answer. Throws refused with the platform's own words, signIn where the token is not taken. */
  async call<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
    const answer = await withNote('waiting for the platform', () => this.#answer(method, path, body, headers));
    if (answer.status >= 400) throw refusal(answer, this.tierplane);
    return answer.body as T;
  }

  /** Asks again with a fresh token where a stored one is no longer good. */
  async #answer(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const answer = await this.#send(method, path, body, headers);
    if (answer.status === 401 && existsSync(this.#context.dir.cliToken)) {
      rmSync(this.#context.dir.cliToken, { force: true });
      this.#token = undefined;
      return this.#send(method, path, body, headers);
    }
    return answer;
  }

  async #send(method: string, path: string, body: unknown, headers: Record<string, string>): Promise<Answer> {
    const response = await fetch(`${this.running.urls.controlPlane}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${await this.token()}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : JSON.stringify(body),
    }).catch((cause: unknown) => {
      throw new CliError('notRunning', `${this.running.urls.controlPlane} does not answer`, { cause });
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : parseJson(text) };
  }

  /** The living tenant of this name or id. Throws refused if there is none. */
  async tenant(nameOrId: string): Promise<Tenant> {
    if (TENANT_ID.test(nameOrId)) {
      const found = await this.#answer('GET', `/tenants/${nameOrId}`);
      if (found.status === 200) return (found.body as { data: Tenant }).data;
      if (found.status !== 404) throw refusal(found, this.tierplane);
      // A name may look like an id.
    }
    const slug = slugOf(nameOrId);
    if (slug === '') throw unknownTenant(nameOrId, this.tierplane);
    const page = await this.call<{ data: Tenant[] }>('GET', `/tenants?name=${encodeURIComponent(slug)}&limit=20`);
    const tenant = page.data.find((one) => one.slug === slug);
    if (tenant) return tenant;
    throw unknownTenant(nameOrId, this.tierplane);
  }

  /** Every item of a list, page by page. */
  async *list<T>(path: string, pageSize: number): AsyncGenerator<T> {
    const separator = path.includes('?') ? '&' : '?';
    let token = '';
    do {
      const after = token === '' ? '' : `&next_token=${encodeURIComponent(token)}`;
      const page = await this.call<{ data: T[]; next_token?: string }>(
        'GET',
        `${path}${separator}limit=${pageSize}${after}`,
      );
      yield* page.data;
      token = page.next_token ?? '';
    } while (token !== '');
  }
}

function unknownTenant(nameOrId: string, tierplane: string): CliError {
  return new CliError('refused', `no tenant is called '${nameOrId}'`, {
    hint: `\`${tierplane} tenants list\` shows them all`,
  });
}

/**
 * Tokens by a real sign-in. Throws signIn with one clear sentence.
 * @param whereFound the right password is to be looked up
 */
export async function signInOrFail(
  { issuer, userName, password, scope }: { issuer: string; userName: string; password: string; scope: string },
  whereFound: string,
) {
  try {
    return await signIn({ issuer, clientId: CLI_CLIENT, userName, password, scope });
  } catch (cause) {
    const message = isDomainError(cause) ? cause.message : `${issuer} does not answer`;
    const options = message.startsWith('the temporary password')
      ? { cause, hint: `sign in at ${issuer}/account with a browser first, and choose a password there` }
      : isDomainError(cause, 'UNAUTHENTICATED')
        ? { cause, hint: whereFound }
        : { cause };
    throw new CliError('signIn', `sign-in of ${userName} failed: ${message}`, options);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { message: text.slice(0, 200) };
  }
}

/** SBT's two shapes of refusal, as one sentence. */
function refusal({ status, body }: Answer, tierplane: string): CliError {
  const { message, detail } = (body ?? {}) as {
    message?: string;
    detail?: { loc: (string | number)[]; msg?: string }[];
  };
  const words = (detail && faultsInWords(detail)) ?? message ?? `status ${status}`;
  if (status === 401) return new CliError('signIn', `the platform did not accept the sign-in: ${words}`);
  const hint = HINTS.find(([pattern]) => pattern.test(words))?.[1](tierplane);
  const exit = status === 504 ? 'timeout' : status >= 500 ? 'failed' : 'refused';
  return new CliError(exit, words, hint === undefined ? {} : { hint });
}

/** What helps against the refusals that beginners meet. */
const HINTS: readonly (readonly [RegExp, (tierplane: string) => string])[] = [
  [
    /^(Tenant name|Email) .* is taken$/,
    (tierplane) => `choose another; \`${tierplane} tenants list\` shows who has it`,
  ],
  [/is taken$/, (tierplane) => `choose another; \`${tierplane} users list\` shows who has it`],
  [/^User .* not found/, (tierplane) => `\`${tierplane} users list\` shows them all`],
  [/^no dead letter/, (tierplane) => `\`${tierplane} events dead-letters\` shows them all`],
];

/** What the command line calls the fields of the API that it fills. */
const OPTIONS: Readonly<Record<string, string>> = {
  'tenantData.tenantName': '--name',
  'tenantData.email': '--email',
  'tenantData.tier': '--tier',
  adminPassword: '--admin-password',
  userName: 'the user name',
  email: '--email',
  userRole: '--role',
  'query.tier': '--tier',
  'query.state': '--state',
};

/** Each field once, with all that is wrong with it. */
function faultsInWords(detail: readonly { loc: (string | number)[]; msg?: string }[]): string {
  const faults = new Map<string, string[]>();
  for (const { loc, msg } of detail) {
    const field = loc.filter((part) => part !== 'body').join('.');
    const name = OPTIONS[field] ?? `${field}:`;
    faults.set(name, [...(faults.get(name) ?? []), msg ?? 'is invalid']);
  }
  return [...faults].map(([name, words]) => `${name} ${words.join(', ')}`).join('; ');
}
