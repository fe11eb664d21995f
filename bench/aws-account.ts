import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { onCore } from './processes.ts';
import { startChild, stop } from './scratch.ts';

/** The claims of every token of the stub account's user pool. */
export const TENANT_ID = 'bench0000000000000000001';
export const SUBJECT = 'bench-user';
export const CLIENT_ID = 'bench';

/** A stub of an AWS account, on the load core; see aws-stub-account.ts. */
export interface StubAccount {
  readonly endpoint: string;
  readonly issuer: string;
  /** An access token of the pool's one user. */
  readonly token: string;
  /** The environment with which our code uses the account. */
  readonly environment: Readonly<Record<string, string>>;
  /** How often each action was called so far; `keys` counts reads of the key set. */
  calls(): Promise<Readonly<Record<string, number>>>;
  stop(): Promise<void>;
}

export async function startStubAccount(): Promise<StubAccount> {
  const [command, args] = onCore('load', [process.execPath, join(import.meta.dirname, 'aws-stub-account.ts')]);
  const child = startChild(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const { port, issuer, token } = JSON.parse(await firstLine(child)) as { port: number; issuer: string; token: string };
  const endpoint = `http://127.0.0.1:${port}`;
  return {
    ...{ endpoint, issuer, token },
    environment: {
      ...{ PATH: process.env.PATH ?? '', AWS_REGION: 'eu-central-1', AWS_ENDPOINT_URL: endpoint },
      ...{ AWS_ACCESS_KEY_ID: 'bench', AWS_SECRET_ACCESS_KEY: 'bench' },
    },
    calls: async () => (await (await fetch(`${endpoint}/calls`)).json()) as Record<string, number>,
    stop: () => stop(child),
  };
}

/** The first line that a process prints, or the first that matches. @throws Error if the process ends before */
export async function firstLine(child: ChildProcess, matching: RegExp = /./): Promise<string> {
  let text = '';
  const ended = once(child, 'exit').then(() => {
    throw new Error(`the process ended before it was ready: ${text.slice(-500)}`);
  });
  for (;;) {
    const [chunk] = (await Promise.race([once(child.stdout ?? child, 'data'), ended])) as [Buffer];
    text += chunk.toString();
    const line = text
      .split('\n')
      .slice(0, -1)
      .find((one) => matching.test(one));
    if (line !== undefined) {
      ended.catch(() => undefined);
      child.stdout?.resume();
      return line;
    }
  }
}
