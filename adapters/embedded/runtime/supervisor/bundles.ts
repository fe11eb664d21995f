import { fork } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { NODE_FLAGS, trialEnvironment } from './launch.ts';

const TRIAL_TIMEOUT_MS = 5_000;
/** Node's folder in a compile cache: version and flags, then the user's id. */
const OWN_FOLDER = new RegExp(`^(v.+-)${process.getuid?.() ?? ''}$`);

/** Path of a service's bundle, as the build writes it. */
export function bundleOf(servicesDir: string, service: string): string {
  return join(servicesDir, `${service}.cjs`);
}

/**
 * The service bundles that tasks run: copies that every user may read, each with V8's code cache, which saves a third of
 * a task's start time and a fifth of its memory. Node keeps one cache folder per user id. Other users get a link to the
 * platform's folder, which they can read but not write, so that no tenant can plant code for another.
 */
export class Bundles {
  readonly servicesDir: string;
  readonly #copies: string;
  readonly #code: string;
  /** Holds a working directory for the trial of each service. */
  readonly #trials: string;
  /** Trials under way and done, by path of the copy. */
  readonly #ready = new Map<string, Promise<string>>();

  /** @param cacheDir may be deleted whenever no task runs; it is created again */
  constructor(servicesDir: string, cacheDir: string) {
    this.servicesDir = servicesDir;
    this.#copies = join(cacheDir, 'bundles');
    this.#code = join(cacheDir, 'code');
    this.#trials = join(cacheDir, 'trials');
    mkdirSync(cacheDir, { recursive: true });
    chmodSync(cacheDir, 0o755);
    this.#makeDirs();
  }

  /** Removes all copies and caches if one is of an earlier build. Call it only while no task runs. */
  prune(): void {
    const current = readdirSync(this.#copies).every((name) => {
      const service = name.slice(0, name.indexOf('.'));
      const found = statSync(bundleOf(this.servicesDir, service), { throwIfNoEntry: false });
      return found !== undefined && name === copyName(service, found);
    });
    if (current) return;
    for (const path of [this.#copies, this.#code]) rmSync(path, { recursive: true, force: true });
    this.#ready.clear();
    this.#makeDirs();
  }

  /** The value of NODE_COMPILE_CACHE. */
  get codeDir(): string {
    return this.#code;
  }

  /** Every user that runs tasks must be able to read this directory. */
  get copiesDir(): string {
    return this.#copies;
  }

  /**
   * Path of the copy to run. It is another one after each build, so running tasks keep the file they were started from.
   * @param environment the service's own variables, for its trial
   * @returns undefined if the service has no bundle
   */
  async find(service: string, environment: Readonly<Record<string, string>>): Promise<string | undefined> {
    const source = bundleOf(this.servicesDir, service);
    const found = statSync(source, { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    const copy = join(this.#copies, copyName(service, found));
    let ready = this.#ready.get(copy);
    if (ready === undefined) {
      ready = this.#make(source, copy, { service, environment });
      this.#ready.set(copy, ready);
      ready.catch(() => this.#ready.delete(copy));
    }
    return ready;
  }

  /** Lets a user's tasks read the code cache. */
  share(uid: number): void {
    for (const name of readdirSync(this.#code)) {
      const prefix = name.match(OWN_FOLDER)?.[1];
      if (prefix === undefined) continue;
      rmSync(join(this.#code, `${prefix}${uid}`), { force: true });
      symlinkSync(name, join(this.#code, `${prefix}${uid}`));
    }
  }

  /** Undoes `share`. */
  unshare(uid: number): void {
    for (const name of readdirSync(this.#code)) {
      if (name.endsWith(`-${uid}`) && !OWN_FOLDER.test(name)) rmSync(join(this.#code, name), { force: true });
    }
  }

  #makeDirs(): void {
    for (const path of [this.#copies, this.#code]) {
      mkdirSync(path, { recursive: true });
      chmodSync(path, 0o755);
    }
  }

  async #make(source: string, copy: string, trial: Trial): Promise<string> {
    const dir = join(this.#trials, trial.service);
    // A trial folder that still exists was left by a start that was killed during the trial.
    if (existsSync(copy) && !existsSync(dir)) return copy;
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    copyFileSync(source, `${copy}.new`);
    chmodSync(`${copy}.new`, 0o644);
    renameSync(`${copy}.new`, copy);
    try {
      await this.#try(copy, dir, trial);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
    return copy;
  }

  /**
   * Starts the bundle once, outside any tenant, and ends it when it is ready. On exit Node writes the code it has compiled
   * by then, which is all that a start needs. If the trial fails, there is no cache and tasks start more slowly.
   */
  async #try(copy: string, cwd: string, { service, environment }: Trial): Promise<void> {
    const PATH = process.env.PATH;
    const env = { ...trialEnvironment(service, environment), PATH, NODE_COMPILE_CACHE: this.#code };
    await new Promise<void>((resolve) => {
      const trial = fork(copy, [], {
        env,
        cwd,
        execArgv: [...NODE_FLAGS],
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      });
      const timer = setTimeout(() => trial.kill('SIGKILL'), TRIAL_TIMEOUT_MS);
      trial.once('message', () => trial.disconnect());
      const end = (): void => {
        clearTimeout(timer);
        resolve();
      };
      trial.once('exit', end).once('error', end);
    });
    for (const folder of readdirSync(this.#code).filter((name) => OWN_FOLDER.test(name))) {
      chmodSync(join(this.#code, folder), 0o755);
      for (const file of readdirSync(join(this.#code, folder))) makeReadable(join(this.#code, folder, file));
    }
  }
}

/** A bundle's trial run. */
interface Trial {
  readonly service: string;
  readonly environment: Readonly<Record<string, string>>;
}

function copyName(service: string, { mtimeMs, size }: { readonly mtimeMs: number; readonly size: number }): string {
  return `${service}.${Math.round(mtimeMs).toString(36)}-${size.toString(36)}.cjs`;
}

/** Node first writes a cache entry under another name, so a listed file may no longer exist. */
function makeReadable(path: string): void {
  try {
    chmodSync(path, 0o644);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
