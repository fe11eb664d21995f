import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { ADMIN_SIGN_IN_SCOPE, CLI_CLIENT } from '../core/identity/issuers.ts';
import type { ServiceStatus } from '../core/ports/runtime.ts';
import { until } from '../scripts/until.ts';
import { signIn } from '../test/support/sign-in-by-page.ts';
import { ROOT } from './processes.ts';
import { cleanUpLater, scratchFolder, startChild, stop } from './scratch.ts';

const PLAN = { usagePlan: { rate: 1_000_000, burst: 1_000_000, quotaPerDay: 1_000_000_000 } };
/** Usage plans that never throttle: the figures measure throughput, not limits. */
const CONFIG = { tiers: { basic: PLAN, advanced: PLAN, premium: PLAN } };
export const PASSWORD = 'Correct-horse-7';
/** A step that takes longer than this has failed. */
const TIMEOUT_MS = 60_000;
/** Concurrent registrations in onboardBasic. */
const WIDTH = 64;

interface Ready {
  readonly ready: true;
  readonly urls: { readonly publicUrl: string; readonly controlPlane: string; readonly api: string };
  readonly admin: { readonly email: string; readonly password: string | null };
}

/** A platform in a temporary directory. It ends with the run at the latest. */
export class PlatformUnderTest {
  readonly dataDir: string;
  /** Active basic tenants. */
  basicTenants = 0;
  /** Ids of advanced tenants that have served at most one request. */
  readonly idleAdvanced: string[] = [];
  readonly #cleanUp: () => Promise<void>;
  #child: ChildProcess | undefined;
  #ready: Ready | undefined;
  #password = '';
  #token: { readonly value: Promise<string>; until: number } | undefined;

  constructor() {
    const folder = scratchFolder();
    this.dataDir = folder.path;
    this.#cleanUp = cleanUpLater(async () => {
      await this.stop();
      await folder.remove();
    });
    writeFileSync(join(this.dataDir, 'config.json'), JSON.stringify(CONFIG));
  }

  get urls(): Ready['urls'] {
    if (!this.#ready) throw new Error('not started');
    return this.#ready.urls;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get port(): number {
    return Number(new URL(this.urls.publicUrl).port);
  }

  /** Starts the platform, on the same port as before. @returns milliseconds until it is ready */
  async start(): Promise<number> {
    const started = performance.now();
    const port = this.#ready ? String(this.port) : '0';
    const child = startChild(
      join(ROOT, 'bin', 'tierplane'),
      ['up', '--json', '--no-demo', '--port', port, '--data-dir', this.dataDir],
      // In its own process group, so that Ctrl-C in the terminal reaches only the benchmark, which then ends it.
      { stdio: ['ignore', 'pipe', 'inherit'], detached: true },
    );
    this.#child = child;
    if (!child.stdout) throw new Error('the platform has no output');
    const [line] = await Promise.race([
      once(createInterface({ input: child.stdout }), 'line'),
      once(child, 'exit').then(([code]) => Promise.reject(new Error(`the platform exited with status ${code}`))),
      wait(TIMEOUT_MS, undefined, { ref: false }).then(() =>
        Promise.reject(new Error('the platform did not become ready')),
      ),
    ]);
    const took = performance.now() - started;
    const ready = JSON.parse(String(line)) as Ready | { readonly ready?: undefined };
    if (!ready.ready) throw new Error(`the platform failed to start: ${line}`);
    this.#ready = ready;
    this.#password = this.#ready.admin.password ?? this.#password;
    return took;
  }

  async stop(): Promise<void> {
    if (this.#child) await stop(this.#child);
  }

  /** Ends it and removes its data. */
  async dispose(): Promise<void> {
    await this.#cleanUp();
  }

  /** An access token, reused for half its lifetime. Concurrent callers share one sign-in, because sign-ins are limited. */
  async adminToken(): Promise<string> {
    if (!this.#token || this.#token.until < Date.now()) {
      const signingIn = this.#signInAdmin();
      const token = { value: signingIn.then((tokens) => tokens.accessToken), until: Number.POSITIVE_INFINITY };
      this.#token = token;
      signingIn.then(
        ({ expiresIn }) => {
          token.until = Date.now() + expiresIn * 500;
        },
        () => {
          this.#token = undefined;
        },
      );
    }
    return this.#token.value;
  }

  #signInAdmin() {
    return signIn({
      issuer: `${this.urls.publicUrl}/realms/admin`,
      clientId: CLI_CLIENT,
      userName: this.#ready?.admin.email ?? '',
      password: this.#password,
      scope: ADMIN_SIGN_IN_SCOPE,
    });
  }

  async admin<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.urls.controlPlane}${path}`, {
      method,
      headers: { authorization: `Bearer ${await this.adminToken()}`, 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const result = (await response.json()) as T;
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(result)}`);
    return result;
  }

  /** @returns the tenant's id */
  async register(name: string, tier: string, withPassword = false): Promise<string> {
    const tenantData = { tenantName: name, email: emailOf(name), tier };
    const more = withPassword ? { adminPassword: PASSWORD } : {};
    const path = '/tenant-registrations';
    const registered = await this.admin<{ data: { tenantId: string } }>('POST', path, {
      tenantData,
      tenantRegistrationData: {},
      ...more,
    });
    return registered.data.tenantId;
  }

  /** @param everyMs polling interval; a short one slows down an onboarding that starts processes */
  async untilActive(tenantId: string, everyMs = 2): Promise<void> {
    const isActive = async () => {
      const { data } = await this.admin<{ data: { state: string; reason?: string } }>('GET', `/tenants/${tenantId}`);
      if (data.state === 'failed') throw new Error(`onboarding failed: ${data.reason}`);
      return data.state === 'active';
    };
    const failure = () => `tenant ${tenantId} is not active after ${TIMEOUT_MS} ms`;
    await until(isActive, { withinMs: TIMEOUT_MS, everyMs, failure });
  }

  /** Onboards basic tenants as fast as possible. @returns milliseconds from the first request until all are active */
  async onboardBasic(count: number): Promise<number> {
    await this.adminToken();
    const started = performance.now();
    const last = this.basicTenants + count;
    await Promise.all(
      Array.from({ length: Math.min(WIDTH, count) }, async () => {
        while (this.basicTenants < last) await this.register(`basic-${this.basicTenants++}`, 'basic');
      }),
    );
    const pending = '/tenants?state=provisioning&limit=1';
    const isDone = async () => (await this.admin<{ data: object[] }>('GET', pending)).data.length === 0;
    const failure = () => 'onboarding did not finish in time';
    await until(isDone, { withinMs: TIMEOUT_MS * 10, everyMs: 5, failure });
    return performance.now() - started;
  }

  /** An access token of the tenant's administrator, who must have been registered with a password. */
  async tenantToken(name: string): Promise<string> {
    const response = await fetch(`${this.urls.controlPlane}/tenant-config/${name}`);
    const { authServer: issuer } = (await response.json()) as { authServer: string };
    const { accessToken } = await signIn({
      issuer,
      clientId: CLI_CLIENT,
      userName: emailOf(name),
      password: PASSWORD,
      scope: 'openid',
    });
    return accessToken;
  }

  async services(): Promise<readonly ServiceStatus[]> {
    return (await this.admin<{ data: ServiceStatus[] }>('GET', '/operator/services')).data;
  }

  async gatewayPid(): Promise<number> {
    return (await this.admin<{ data: { gateway: { pid: number } } }>('GET', '/operator/status')).data.gateway.pid;
  }
}

function emailOf(name: string): string {
  return `admin@${name}.example`;
}
