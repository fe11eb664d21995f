import type { Tenant } from '../control-plane/api/tenants/responses.ts';
import { jsonIn } from '../core/encoding/json.ts';
import { slugOf } from '../core/fields/slug.ts';
import type { CliContext } from './context.ts';
import { CliError } from './exit-codes.ts';
import { withNote } from './output.ts';
import { accessTo, type PlatformAccess } from './platform-access.ts';
import { isLoopback } from './sign-in/request.ts';
import { tenantOfArgument } from './tenant-argument.ts';

interface ReceivedResponse {
  readonly status: number;
  readonly body: unknown;
}

/** A hint for a refusal with this status: what the user of this command can do about it. */
export type Hints = Readonly<Partial<Record<number, string>>>;

interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** @default - no hints */
  readonly hints?: Hints;
}

/** The control plane as the command line calls it: over HTTP, with an operator's access token. */
export class ControlPlane {
  readonly access: PlatformAccess;
  /** The command line for this platform, for hints. */
  readonly tierplane: string;
  /** Named in errors where the user may have meant another one. */
  readonly #platform: string | undefined;

  private constructor(access: PlatformAccess, { tierplane, target }: CliContext) {
    this.access = access;
    this.tierplane = tierplane;
    this.#platform = target.kind === 'data-dir' ? undefined : access.name;
  }

  /** Finds the platform. Throws notRunning, signIn or usage. */
  static async open(context: CliContext): Promise<ControlPlane> {
    return new ControlPlane(await accessTo(context), context);
  }

  /** Whether the platform runs on another machine or on AWS, where requests cost more and changes take longer. */
  get isElsewhere(): boolean {
    return !isLoopback(new URL(this.access.controlPlaneUrl).hostname);
  }

  /** The body of a 2xx response. Throws refused with the platform's own message, or signIn for a token it refuses. */
  async call<T>(method: string, path: string, body?: unknown, options: CallOptions = {}): Promise<T> {
    const response = await withNote('waiting for the platform', () => this.#send(method, path, body, options.headers));
    if (response.status >= 400) throw this.#refusal(response, options.hints);
    return response.body as T;
  }

  /** Sends the request again, once, with another token if the first one is refused. */
  async #send(
    method: string,
    path: string,
    body?: unknown,
    headers?: CallOptions['headers'],
  ): Promise<ReceivedResponse> {
    const response = await this.#sendOnce(method, path, body, headers);
    if (response.status !== 401 || !this.access.discardToken()) return response;
    return this.#sendOnce(method, path, body, headers);
  }

  async #sendOnce(
    method: string,
    path: string,
    body: unknown,
    headers: CallOptions['headers'],
  ): Promise<ReceivedResponse> {
    const url = `${this.access.controlPlaneUrl}${path}`;
    const response = await fetch(url, {
      method,
      // A token must not follow a redirect to another server.
      redirect: 'manual',
      headers: {
        authorization: `Bearer ${await this.access.token()}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : JSON.stringify(body),
    }).catch((cause: unknown) => {
      if (cause instanceof CliError) throw cause;
      throw new CliError('notRunning', `${this.access.controlPlaneUrl} does not respond`, { cause });
    });
    const text = await response.text();
    if (response.status >= 300 && response.status < 400) {
      const message = `${this.access.controlPlaneUrl} redirects to another address; use that one with --url`;
      throw new CliError('failed', message);
    }
    return { status: response.status, body: text === '' ? undefined : parseJson(text) };
  }

  /** The tenant of this name or id. Throws refused if there is none, or if the argument means two tenants. */
  async tenant(nameOrId: string): Promise<Tenant> {
    const tenant = await tenantOfArgument<Tenant>(nameOrId, {
      byId: (id) => this.#tenantById(id),
      byName: (name) => this.#tenantByName(name),
      labelOf: ({ tenantName, tenantId }) => `'${tenantName}' (${tenantId})`,
    });
    if (tenant) return tenant;
    const hint = `\`${this.tierplane} tenants list\` shows all tenants`;
    throw this.#error('refused', `no tenant has the name or id '${nameOrId}'`, hint);
  }

  async #tenantById(id: string): Promise<Tenant | undefined> {
    const found = await this.#send('GET', `/tenants/${id}`);
    if (found.status === 404) return undefined;
    if (found.status !== 200) throw this.#refusal(found);
    return (found.body as { data: Tenant }).data;
  }

  /** The tenant of this name, unless it is deleted. */
  async #tenantByName(name: string): Promise<Tenant | undefined> {
    const slug = slugOf(name);
    // The list is in order of slug, so the tenant of this slug comes before those whose slugs begin with it.
    const page = await this.call<{ data: Tenant[] }>('GET', `/tenants?name=${encodeURIComponent(slug)}&limit=1`);
    return page.data.find((one) => one.slug === slug);
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

  /** SBT's two shapes of an error response, as one sentence. */
  #refusal({ status, body }: ReceivedResponse, hints: Hints = {}): CliError {
    const { message, detail } = (body ?? {}) as { message?: string; detail?: readonly Issue[] };
    const reason = (detail && issuesInWords(detail)) ?? message ?? `status ${status}`;
    if (status === 401) {
      return this.#error('signIn', `${this.access.name} does not accept this sign-in: ${reason}`, hints[status]);
    }
    if (status === 403) {
      const hint = `\`${this.tierplane} whoami\` shows the scopes; changes need the role SystemAdmin, too`;
      return this.#error('refused', `the platform does not allow this: ${reason}`, hints[status] ?? hint);
    }
    return this.#error(status === 504 ? 'timeout' : status >= 500 ? 'failed' : 'refused', reason, hints[status]);
  }

  #error(exit: 'refused' | 'signIn' | 'timeout' | 'failed', message: string, hint: string | undefined): CliError {
    return new CliError(exit, message, {
      ...(hint !== undefined && { hint }),
      ...(this.#platform !== undefined && { platform: this.#platform }),
    });
  }
}

function parseJson(text: string): unknown {
  return jsonIn(text) ?? { message: text.slice(0, 200) };
}

interface Issue {
  readonly loc: readonly (string | number)[];
  readonly msg?: string;
}

/** The options that fill the API's fields. */
const OPTIONS: Readonly<Record<string, string>> = {
  'tenantData.tenantName': '--name',
  'tenantData.email': '--email',
  'tenantData.tier': '--tier',
  adminPassword: '--admin-password',
  userName: 'the user name',
  email: '--email',
  userRole: '--role',
  name: 'the name',
  scopes: '--scope',
  'query.tier': '--tier',
  'query.state': '--state',
};

/** Each field once, with everything that is wrong with it. */
function issuesInWords(detail: readonly Issue[]): string {
  const fields = new Map<string, string[]>();
  for (const { loc, msg } of detail) {
    const field = loc.filter((part) => part !== 'body').join('.');
    const name = OPTIONS[field] ?? `${field}:`;
    fields.set(name, [...(fields.get(name) ?? []), msg ?? 'is invalid']);
  }
  return [...fields].map(([name, messages]) => `${name} ${messages.join(', ')}`).join('; ');
}
