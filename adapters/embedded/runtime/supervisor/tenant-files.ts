import { chmodSync, lchownSync, lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ServiceKey } from '../../../../core/ports/runtime.ts';
import { TENANT_ID } from '../../../../core/tenant/ids.ts';

/** Folder of the pooled stores. No tenant can have this name, because tenant ids have at least 8 characters. */
const POOL = 'pool';

/** The files of tasks: data, sockets and logs. */
export class TenantFiles {
  readonly #tenants: string;
  readonly #logs: string;
  readonly #runDir: string;

  constructor(options: { readonly dataDir: string; readonly runDir: string }) {
    this.#tenants = join(options.dataDir, 'tenants');
    this.#logs = join(options.dataDir, 'logs');
    this.#runDir = options.runDir;
    makeDir(this.#tenants, 0o711);
    makeDir(this.#logs, 0o700);
    makeDir(this.#runDir, 0o711);
  }

  /** Directories that the users of tasks pass through on the way to their own. */
  get passable(): string[] {
    return [this.#tenants, this.#runDir];
  }

  /** Holds the pooled stores. It belongs to the user of the pooled tasks. */
  get poolDir(): string {
    return join(this.#tenants, POOL);
  }

  dataFile(key: ServiceKey): string {
    return join(this.#tenants, key.tenantId ?? POOL, `${key.service}.db`);
  }

  logFile(key: ServiceKey): string {
    return join(this.#logs, `${key.cluster}.${key.tenantId ?? 'pooled'}.${key.service}.log`);
  }

  agentLog(cluster: string): string {
    return join(this.#logs, `${cluster}.agent.log`);
  }

  socketDir(tenantId: string | null): string {
    return join(this.#runDir, tenantId ?? POOL);
  }

  /** Creates the data directory, closed to all users except `uid`. Gives `uid` files that another user created earlier. */
  ensureData(tenantId: string | null, uid: number | undefined): void {
    makeOwned(join(this.#tenants, tenantId ?? POOL), uid);
  }

  ensureSocketDir(tenantId: string | null, uid: number | undefined): void {
    makeOwned(this.socketDir(tenantId), uid);
  }

  removeSocketDir(tenantId: string): void {
    rmSync(this.socketDir(tenantId), { recursive: true, force: true });
  }

  /** Removes the sockets of ended tasks. Call it only while no task runs. */
  removeAllSocketDirs(): void {
    for (const entry of readdirSync(this.#runDir, { withFileTypes: true })) {
      if (entry.isDirectory() && (entry.name === POOL || TENANT_ID.test(entry.name)))
        rmSync(join(this.#runDir, entry.name), { recursive: true, force: true });
    }
  }

  hasSilo(tenantId: string): boolean {
    return lstatSync(join(this.#tenants, tenantId), { throwIfNoEntry: false }) !== undefined;
  }

  /** Removes the tenant's silo and logs. */
  remove(tenantId: string): void {
    rmSync(join(this.#tenants, tenantId), { recursive: true, force: true });
    this.removeSocketDir(tenantId);
    for (const name of readdirSync(this.#logs)) {
      if (name.startsWith(`tenant-${tenantId}.`) || name.includes(`.${tenantId}.`)) rmSync(join(this.#logs, name));
    }
  }
}

function makeDir(path: string, mode: number): void {
  mkdirSync(path, { recursive: true });
  chmodSync(path, mode);
}

function makeOwned(path: string, uid: number | undefined): void {
  makeDir(path, 0o700);
  if (uid === undefined || lstatSync(path).uid === uid) return;
  for (const name of readdirSync(path, { recursive: true, encoding: 'utf8' })) lchownSync(join(path, name), uid, uid);
  lchownSync(path, uid, uid);
}
