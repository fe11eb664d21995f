import { afterAll, beforeAll } from '@jest/globals';
import { type BusWatch, watchBus } from '../../rehearsal/bus-watch.ts';
import type { EmulatedAccount } from '../../rehearsal/emulated-account.ts';
import { type Installation, install, machineToken, signInAdmin } from '../../rehearsal/installation.ts';
import type { CallOptions, Reply } from '../control-plane/api/home.ts';
import { describeInAccount } from './account.ts';

/** A control plane that scripts/sbt-install.sh has installed. */
export interface Installed {
  readonly account: EmulatedAccount;
  readonly installation: Installation;
  /** Receives every event of the control plane. */
  readonly watch: BusWatch;
  /** Sends a request with the token 'admin', 'machine' (SBT's client) or 'none', or with an invalid token. */
  call(method: string, path: string, body?: unknown, options?: CallOptions): Promise<Reply>;
}

/** The password that the first administrator has chosen in `openInstalled`. */
export const ADMIN_PASSWORD = 'Correct-horse-battery-7';
const EVENTS = ['onboardingRequest', 'offboardingRequest'];

/** A suite whose tests share an installation in an account that no other suite uses. */
export function describeInstalled(name: string, define: (installed: () => Installed) => void): void {
  describeInAccount(name, (account) => {
    let installed: Installed | undefined;
    beforeAll(async () => {
      installed = await installIn(account());
    }, 120_000);
    afterAll(() => installed?.watch.close());
    define(() => {
      if (!installed) throw new Error('the control plane is not installed');
      return installed;
    });
  });
}

async function installIn(account: EmulatedAccount): Promise<Installed> {
  return openInstalled(account, await install(account, 'admin@example.com'));
}

/** Signs in at an installation, for the first time, and watches its events from now on. */
export async function openInstalled(account: EmulatedAccount, installation: Installation): Promise<Installed> {
  const watch = await watchBus(account, installation.outputs.eventBridgeArn, 'requests', EVENTS);
  const tokens: Record<string, string> = {
    admin: (await signInAdmin(installation, ADMIN_PASSWORD)).accessToken,
    machine: await machineToken(installation),
  };
  return {
    account,
    installation,
    watch,
    async call(method, path, body, { token = 'admin', headers = {} } = {}) {
      const given = token === 'none' ? {} : { token: `Bearer ${tokens[token] ?? token}` };
      const response = await installation.call(method, path, {
        ...given,
        headers,
        ...(body !== undefined && { body }),
      });
      const text = Object.entries(response.headers).map(([key, value]): [string, string] => [key, String(value)]);
      return { status: response.status, headers: new Headers(text), text: response.text, body: response.body };
    },
  };
}
