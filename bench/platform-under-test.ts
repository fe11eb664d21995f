import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { signIn } from '../cli/oidc-client.ts';
import { ADMIN_SIGN_IN_SCOPE, CLI_CLIENT } from '../core/identity/issuers.ts';
import type { ServiceStatus } from '../core/ports/runtime.ts';
import { ROOT } from './processes.ts';
import { scratchFolder, startChild, stop, undoLater } from './scratch.ts';

const PLAN = { usagePlan: { rate: 1_000_000, burst: 1_000_000, quotaPerDay: 1_000_000_000 } };
/** Plans that throttle nobody: throughput is measured, not the bucket's arithmetic. */
const CONFIG = { tiers: { basic: PLAN, advanced: PLAN, premium: PLAN } };
export const PASSWORD = 'Correct-horse-7';
/** What takes longer than this is stuck. */
const PATIENCE_MS = 60_000;
/** Registrations under way at once where many are wanted. */
const WIDTH = 64;

interface Ready {
  readonly ready: true;
  readonly urls: { readonly publicUrl: string; readonly controlPlane: string; readonly api: string };
  readonly admin: { readonly email: string; readonly password: string | null };
}

/** A platform of its own in a temporary directory, gone with the run at the latest. */
export class PlatformUnderTest {
  readonly dataDir: string;
  /** Active basic tenants. */
  basicTenants = 0;
  /** Ids of the advanced tenants that nothing but their first request has touched. */
  readonly idleAdvanced: string[] = [];
  readonly #undo: () => Promise<void>;
  #child: ChildProcess | undefined;
  #ready: Ready | undefined;
  #password = '';
  #token: { readonly value: Promise<string>; until: number } | undefined;

  constructor() {
    const folder = scratchFolder();
    this.dataDir = folder.path;
    this.#undo = undoLater(async () => {
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

  /** Started again it keeps its port. @returns milliseconds until it was ready */
  async start(): Promise<number> {
    const started = performance.now();
    const port = this.#ready ? String(this.port) : '0';
    const child = startChild(
      join(ROOT, 'bin', 'tierplane'),
      ['up', '--json', '--no-demo', '--port', port, '--data-dir', this.dataDir],
      // Out of reach of the terminal's Ctrl-C: this run ends it, once.
      { stdio: ['ignore', 'pipe', 'inherit'], detached: true },
    );
    this.#child = child;
    if (!child.stdout) throw new Error('no output');
    const [line] = await Promise.race([
      once(createInterface({ input: child.stdout }), 'line'),
      once(child, 'exit').then(([code]) => Promise.reject(new Error(`the platform ended with ${code}`))),
      wait(PATIENCE_MS, undefined, { ref: false }).then(() => Promise.reject(new Error('the platform is not ready'))),
    ]);
    const took = performance.now() - started;
    const ready = JSON.parse(String(line)) as Ready | { readonly ready?: undefined };
    if (!ready.ready) throw new Error(`the platform does not start: ${line}`);
    this.#ready = ready;
    this.#password = this.#ready.admin.password ?? this.#password;
    return took;
  }

  async stop(): Promise<void> {
    if (this.#child) await stop(this.#child);
  }

  /** Ends it and removes its data. */
  async dispose(): Promise<void> {
    await this.#undo();
  }

  /** Half a token's life the same one; who asks during a sign-in waits for it, as tries are limited. */
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
    const answer = (await response.json()) as T;
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  }

  /** @returns the tenant's id */
  async register(name: string, tier: string, withPassword = false): Promise<string> {
    const tenantData = { tenantName: name, email: emailOf(name), tier };
    const more = withPassword ? { adminPassword: PASSWORD } : {};
    const path = '/tenant-registrations';
    const answer = await this.admin<{ data: { tenantId: string } }>('POST', path, {
      tenantData,
      tenantRegistrationData: {},
      ...more,
    });
    return answer.data.tenantId;
  }

  /** @param everyMs between two looks; where onboarding is slow, looking often would slow it more */
  async untilActive(tenantId: string, everyMs = 2): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const { data } = await this.admin<{ data: { state: string; reason?: string } }>('GET', `/tenants/${tenantId}`);
      if (data.state === 'active') return;
      if (data.state === 'failed') throw new Error(`onboarding failed: ${data.reason}`);
      if (performance.now() > deadline) throw new Error(`tenant ${tenantId} is still ${data.state}`);
      await wait(everyMs);
    }
  }

  /** Basic tenants as fast as they go. @returns milliseconds from the first request to the last one active */
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
    while ((await this.admin<{ data: object[] }>('GET', pending)).data.length > 0) {
      if (performance.now() - started > PATIENCE_MS * 10) throw new Error('onboarding does not come to an end');
      await wait(5);
    }
    return performance.now() - started;
  }

  /** A token of the tenant's admin, who was registered with a password. */
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
