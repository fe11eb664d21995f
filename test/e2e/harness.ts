import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { slugOf } from '../../core/fields/slug.ts';
import { ADMIN_SIGN_IN_SCOPE, CLI_CLIENT } from '../../core/identity/issuers.ts';
import { until } from '../../scripts/until.ts';
import { collectOutput } from '../support/collect-output.ts';
import { signIn } from '../support/sign-in-by-page.ts';

/** The command that users run. */
export const LAUNCHER = join(import.meta.dirname, '..', '..', 'bin', 'tierplane');
/** A start with demo tenants takes a minute on a busy machine. Tests with a shorter limit fail by that. */
const START_TIMEOUT_MS = 120_000;

export interface Ready {
  readonly ready: true;
  readonly urls: { publicUrl: string; controlPlane: string; api: string; openapi: string };
  readonly admin: { email: string; password: string | null };
}

export interface Reply<T = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface TenantRef {
  readonly tenantId: string;
  readonly tenantRegistrationId: string;
  readonly tenantName: string;
  readonly slug: string;
  readonly tier: string;
  readonly state: string;
  readonly reason?: string;
}

/** A password that satisfies every policy. */
export const PASSWORD = 'Correct-horse-7';

/** A real platform in its own data directory, started by `bin/tierplane` and used by HTTP and the command line. */
export class TestPlatform {
  readonly dataDir: string;
  #child: ChildProcess | undefined;
  #ready: Ready | undefined;
  #adminToken: string | undefined;
  #stderr = '';
  readonly #args: readonly string[];
  readonly #env: Record<string, string>;
  readonly #launcher: string;

  constructor(
    options: {
      config?: object;
      args?: readonly string[];
      env?: Record<string, string>;
      dataDir?: string;
      /** @default - this clone's */
      launcher?: string;
    } = {},
  ) {
    this.dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'tp-e2e-'));
    this.#args = options.args ?? ['--no-demo'];
    this.#env = options.env ?? {};
    this.#launcher = options.launcher ?? LAUNCHER;
    if (options.config) writeFileSync(join(this.dataDir, 'config.json'), JSON.stringify(options.config));
  }

  get ready(): Ready {
    if (!this.#ready) throw new Error('the platform has not been started');
    return this.#ready;
  }

  get urls(): Ready['urls'] {
    return this.ready.urls;
  }

  get pid(): number {
    if (!this.#child?.pid) throw new Error('the platform does not run');
    return this.#child.pid;
  }

  /** What `up` has printed on stderr since the last start. */
  get stderr(): string {
    return this.#stderr;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts the platform. A restart keeps the port, so that issuers stay the same. */
  async start(onPort?: string): Promise<Ready> {
    const port = onPort ?? (this.#ready ? new URL(this.#ready.urls.publicUrl).port : '0');
    const child = spawn(this.#launcher, ['up', '--json', '--data-dir', this.dataDir, '--port', port, ...this.#args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...this.#env },
    });
    this.#child = child;
    this.#stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
    const lines = createInterface({ input: child.stdout });
    const line = await Promise.race([
      once(lines, 'line').then(([text]) => String(text)),
      once(child, 'exit').then(([code]) => Promise.reject(new Error(`up ended with ${code}: ${this.#stderr}`))),
      wait(START_TIMEOUT_MS, undefined, { ref: false }).then(() =>
        Promise.reject(new Error(`up is not ready: ${this.#stderr}`)),
      ),
    ]);
    const ready = JSON.parse(line) as Ready;
    const admin = ready.admin.password === null && this.#ready ? this.#ready.admin : ready.admin;
    this.#ready = { ...ready, admin };
    this.#adminToken = undefined;
    return this.#ready;
  }

  /** Ends the platform by SIGTERM, or by `signal`. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (!child || !this.isRunning) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  /** Resolves when the process has ended by itself. */
  async ended(): Promise<void> {
    const child = this.#child;
    if (child && this.isRunning) await once(child, 'exit');
  }

  async dispose(): Promise<void> {
    await this.stop();
    rmSync(this.dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  async cli(...args: string[]): Promise<CliResult> {
    return runCli([...args, '--data-dir', this.dataDir]);
  }

  /** The JSON result of a command. Throws with its stderr if it fails. */
  async cliJson<T>(...args: string[]): Promise<T> {
    const result = await this.cli(...args, '--json');
    if (result.code !== 0) throw new Error(`tierplane ${args.join(' ')} ended with ${result.code}: ${result.stderr}`);
    return JSON.parse(result.stdout) as T;
  }

  /** An operator's token, by the client credential that the platform writes for this machine. */
  async adminToken(): Promise<string> {
    this.#adminToken ??= await this.#localCredentialToken();
    return this.#adminToken;
  }

  async #localCredentialToken(): Promise<string> {
    const file = join(this.dataDir, 'local-credential.json');
    const { clientId, clientSecret } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
    const response = await fetch(`${this.urls.publicUrl}/realms/admin/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    });
    if (!response.ok) throw new Error(`no operator's token: ${response.status} ${await response.text()}`);
    return ((await response.json()) as { access_token: string }).access_token;
  }

  /** An access token of the first admin as a user; `adminToken` is one of the platform's own client credential. */
  async adminUserToken(): Promise<string> {
    const { email, password } = this.ready.admin;
    const issuer = `${this.urls.publicUrl}/realms/admin`;
    const options = { issuer, clientId: CLI_CLIENT, scope: ADMIN_SIGN_IN_SCOPE };
    return (await signIn({ ...options, userName: email, password: password ?? '' })).accessToken;
  }

  /** An access token of a tenant's user, who signs in by the pages of the tenant's realm. */
  async tenantToken(tenant: string, user: string, password = PASSWORD): Promise<string> {
    const config = `${this.urls.controlPlane}/tenant-config/${slugOf(tenant)}`;
    const { status, body } = await request<{ authServer: string }>('GET', config);
    if (status !== 200) throw new Error(`no configuration of ${tenant}: ${status} ${JSON.stringify(body)}`);
    return (await signIn({ issuer: body.authServer, clientId: CLI_CLIENT, userName: user, password })).accessToken;
  }

  /** Calls the control plane as an operator. */
  async admin<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<Reply<T>> {
    return request<T>(method, `${this.urls.controlPlane}${path}`, await this.adminToken(), body);
  }

  async api<T = Record<string, unknown>>(
    method: string,
    path: string,
    token: string,
    body?: unknown,
  ): Promise<Reply<T>> {
    return request<T>(method, `${this.urls.api}${path}`, token, body);
  }

  /** Onboards a tenant with a chosen password and waits until it is served. */
  async onboard(name: string, tier: string): Promise<TenantRef & { email: string }> {
    const email = emailOf(name);
    const made = await this.admin<{ data: { tenantId: string } }>('POST', '/tenant-registrations', {
      tenantData: { tenantName: name, email, tier },
      tenantRegistrationData: {},
      adminPassword: PASSWORD,
    });
    if (made.status !== 201) throw new Error(`${name} was refused: ${JSON.stringify(made.body)}`);
    const ended = async (): Promise<TenantRef | undefined> => {
      const tenant = await this.tenant(made.body.data.tenantId);
      return ['active', 'failed', 'deleted'].includes(tenant.state) ? tenant : undefined;
    };
    const tenant = await eventually(`${name} is active`, ended, 60_000);
    if (tenant.state !== 'active') throw new Error(`${name} is ${tenant.state}: ${tenant.reason}`);
    return { ...tenant, email };
  }

  async tenant(tenantId: string): Promise<TenantRef> {
    return (await this.admin<{ data: TenantRef }>('GET', `/tenants/${tenantId}`)).body.data;
  }

  /** All logs of the platform, the gateway and the services. */
  logs(): string {
    const folder = join(this.dataDir, 'logs');
    if (!existsSync(folder)) return '';
    return readdirSync(folder)
      .map((name) => readFileSync(join(folder, name), 'utf8'))
      .join('\n');
  }
}

export function emailOf(name: string): string {
  return `admin@${name.toLowerCase().replaceAll(' ', '-')}.example`;
}

/** Stands for the exit code of a process that a signal has killed. */
export const KILLED = -1;

export async function runCli(args: readonly string[], env: Record<string, string> = {}): Promise<CliResult> {
  const child = spawn(LAUNCHER, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  const output = collectOutput(child);
  const [code] = (await once(child, 'close')) as [number | null];
  return { ...output, code: code ?? KILLED };
}

export async function request<T = Record<string, unknown>>(
  method: string,
  url: string,
  token?: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply<T>> {
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  const isJson = (response.headers.get('content-type') ?? '').includes('json') && text !== '';
  return { status: response.status, headers: response.headers, body: (isJson ? JSON.parse(text) : text) as T };
}

/** Calls `attempt` until it returns a value. @param what appears in the error that is thrown after `timeoutMs` */
export async function eventually<T>(
  what: string,
  attempt: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 10_000,
): Promise<T> {
  const failure = () => `${what}: not within ${timeoutMs} ms`;
  return until(attempt, { withinMs: timeoutMs, everyMs: 20, slowestMs: 100, failure });
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}
