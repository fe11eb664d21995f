import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Installation, variablesOfCommandLine } from './installation.ts';
import { followSignIn } from './managed-login.ts';

const ROOT = join(import.meta.dirname, '..');

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line against an installation, with a configuration folder of its own. */
export class CommandLine implements Disposable {
  readonly #installation: Installation;
  readonly #configHome = mkdtempSync(join(tmpdir(), 'tp-rehearsal-cli-'));

  constructor(installation: Installation) {
    this.#installation = installation;
  }

  /** The address that users give: the API's endpoint. */
  get url(): string {
    return this.#installation.outputs.controlPlaneAPIEndpoint;
  }

  /** Runs a command to its end. */
  run(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<CommandResult> {
    return resultOf(this.#spawn(args, environment));
  }

  /** Runs `tierplane login`, signs in where a browser would, and delivers the redirect to the command's listener. */
  async login(password: string): Promise<CommandResult> {
    const child = this.#spawn(['login', '--url', this.url, '--json'], {});
    const result = resultOf(child);
    const lines = createInterface({ input: child.stdout ?? process.stdin });
    const first = await Promise.race([
      once(lines, 'line').then(([line]) => String(line)),
      result.then(() => undefined),
    ]);
    if (first === undefined) return result;
    const { authorizationUrl } = JSON.parse(first) as { authorizationUrl: string };
    const { account, outputs } = this.#installation;
    const form = { domain: outputs.adminDomain, userName: 'admin', password };
    const callback = new URL(await followSignIn(account, authorizationUrl, form));
    if (!/^http:\/\/localhost:89(76|77|78)\/callback\?/.test(callback.href))
      throw new Error(`redirected to ${callback}`);
    callback.hostname = '127.0.0.1';
    await fetch(callback);
    return result;
  }

  [Symbol.dispose](): void {
    rmSync(this.#configHome, { recursive: true, force: true });
  }

  #spawn(args: readonly string[], environment: Readonly<Record<string, string>>): ChildProcess {
    const { account } = this.#installation;
    return spawn(join(ROOT, 'bin', 'tierplane'), args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...{ PATH: process.env.PATH, HOME: process.env.HOME, XDG_CONFIG_HOME: this.#configHome },
        ...account.environment,
        ...environment,
        ...variablesOfCommandLine(this.#installation),
      },
    });
  }
}

async function resultOf(child: ChildProcess): Promise<CommandResult> {
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { ...output, code: code ?? -1 };
}
