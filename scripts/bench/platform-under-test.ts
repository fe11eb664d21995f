import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { signIn } from '../../adapters/embedded/oidc-client.ts';
import { ADMIN_SIGN_IN_SCOPE, CLI_CLIENT } from '../../core/identity/issuers.ts';
import { ROOT, stop } from './processes.ts';

const PLAN = { usagePlan: { rate: 1_000_000, burst: 1_000_000, quotaPerDay: 1_000_000_000 } };
/** Plans that throttle nobody: throughput is measured, not the bucket's arithmetic. */
const CONFIG = { tiers: { basic: PLAN, advanced: PLAN, premium: PLAN }, signUp: { perMinute: 6_000, burst: 1_000 } };
export const PASSWORD = 'Correct-horse-7';

interface Ready {
  readonly urls: { readonly front: string; readonly controlPlane: string; readonly api: string };
  readonly admin: { readonly email: string; readonly password: string | null };
}

/** A platform of its own in a temporary directory, for one measurement. */
export class PlatformUnderTest {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'tp-bench-'));
  #child: ChildProcess | undefined;
  #ready: Ready | undefined;
  #password = '';
  #token: { value: string; until: number } | undefined;

  constructor() {
    writeFileSync(join(this.dataDir, 'config.json'), JSON.stringify(CONFIG));
  }

  get urls(): Ready['urls'] {
    if (!this.#ready) throw new Error('not started');
    return this.#ready.urls;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** @returns milliseconds until it was ready */
  async start(): Promise<number> {
    const started = performance.now();
    const port = this.#ready ? new URL(this.#ready.urls.front).port : '0';
    const child = spawn(
      join(ROOT, 'bin', 'tierplane'),
      ['up', '--json', '--no-demo', '--port', port, '--data-dir', this.dataDir],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    this.#child = child;
    const [line] = await Promise.race([
      once(createInterface({ input: child.stdout }), 'line'),
      once(child, 'exit').then(([code]) => Promise.reject(new Error(`the platform ended with ${code}`))),
    ]);
    const took = performance.now() - started;
    this.#ready = JSON.parse(String(line)) as Ready;
    this.#password = this.#ready.admin.password ?? this.#password;
    return took;
  }

  async stop(): Promise<void> {
    if (this.#child) await stop(this.#child);
  }

  async dispose(): Promise<void> {
    await this.stop();
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  async adminToken(): Promise<string> {
    if (this.#token && this.#token.until > Date.now()) return this.#token.value;
    const issuer = `${this.urls.front}/realms/admin`;
    const userName = this.#ready?.admin.email ?? '';
    const { accessToken, expiresIn } = await signIn({
      issuer,
      clientId: CLI_CLIENT,
      userName,
      password: this.#password,
      scope: ADMIN_SIGN_IN_SCOPE,
    });
    this.#token = { value: accessToken, until: Date.now() + expiresIn * 500 };
    return accessToken;
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

  async untilActive(tenantId: string): Promise<void> {
    for (;;) {
      const { data } = await this.admin<{ data: { state: string; reason?: string } }>('GET', `/tenants/${tenantId}`);
      if (data.state === 'active') return;
      if (data.state === 'failed') throw new Error(`onboarding failed: ${data.reason}`);
      await wait(2);
    }
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
}

export function emailOf(name: string): string {
  return `admin@${name}.example`;
}
