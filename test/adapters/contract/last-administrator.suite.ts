import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemRandom } from '../../../adapters/shared/clock.ts';
import type { Identity, User } from '../../../core/ports/identity.ts';
import { newId } from '../../../core/tenant/ids.ts';
import type { Demotion } from './administrator-process.ts';

/** A store with the realm `pool`, and a program that opens the same store in another process. */
export interface SharedStore {
  readonly identity: Identity;
  /** The arguments of `node`: a program that calls `serveDemotions`. */
  readonly program: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** Both processes have read the demotion by then. */
const AHEAD_MS = 30;

/** A rule that holds for the store, not for one process: a tenant always keeps an administrator. */
export function lastAdministratorContract(store: string, rounds: number, open: () => Promise<SharedStore>): void {
  let shared: SharedStore;
  let processes: AdministratorProcess[];

  beforeAll(async () => {
    shared = await open();
    processes = [start(shared), start(shared)];
    for (const one of processes) expect(await one.nextLine()).toBe('ready');
  }, 60_000);
  afterAll(async () => {
    for (const one of processes ?? []) one.end();
    await shared?.close();
  });

  async function administrators(tenantId: string): Promise<User[]> {
    return Promise.all(
      ['one', 'two'].map((name) => {
        const email = `${name}@${tenantId}.example`;
        const user = { userName: email, email, role: 'TenantAdmin', tenantId, password: 'Correct-horse-7' };
        return shared.identity.createUser('pool', user);
      }),
    );
  }

  async function demoteBoth(): Promise<{ readonly outcomes: readonly string[]; readonly left: number }> {
    const tenantId = newId(Date.now(), systemRandom);
    const users = await administrators(tenantId);
    const at = Date.now() + AHEAD_MS;
    const outcomes = await Promise.all(
      users.map(({ userName, subject }, i) => processes[i]?.demote({ tenantId, userName, subject, at })),
    );
    const { items } = await shared.identity.users('pool', { tenantId, limit: 10 });
    const left = items.filter(({ role }) => role === 'TenantAdmin').length;
    return { outcomes: outcomes.map((outcome) => outcome ?? '').sort(), left };
  }

  test(`ID-2: of two administrators who give up their role in two processes at the same moment, one remains, in ${store}`, async () => {
    for (let round = 0; round < rounds; round++) {
      expect(await demoteBoth()).toEqual({ outcomes: ['CONFLICT', 'done'], left: 1 });
    }
  }, 120_000);
}

interface AdministratorProcess {
  nextLine(): Promise<string>;
  demote(demotion: Demotion): Promise<string>;
  end(): void;
}

function start({ program, environment = {} }: SharedStore): AdministratorProcess {
  const child: ChildProcess = spawn(process.execPath, [...program], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH, ...environment },
  });
  if (!child.stdout) throw new Error('the process has no output');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async () => String((await lines.next()).value);
  return {
    nextLine,
    async demote(demotion) {
      child.stdin?.write(`${JSON.stringify(demotion)}\n`);
      return nextLine();
    },
    end: () => void child.stdin?.end(),
  };
}
