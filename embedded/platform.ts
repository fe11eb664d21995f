import { join } from 'node:path';
import { systemClock, systemRandom } from '../adapters/shared/clock.ts';
import type { RestorationProgress } from '../app-plane/provisioner/restoration.ts';
import { chooseAddresses } from './addresses.ts';
import { ensureFirstAdmin } from './admin.ts';
import { renewLocalCredential } from './local-credential.ts';
import { openControlPlane } from './open-control-plane.ts';
import { openEvents } from './open-events.ts';
import { openGateway } from './open-gateway.ts';
import { openIdentityParts } from './open-identity.ts';
import { openProvisioner } from './open-provisioner.ts';
import { openRuntime } from './open-runtime.ts';
import { openStore } from './open-store.ts';
import { ensureOperatorToken } from './operator-token.ts';
import type { Urls } from './running.ts';
import type { PlatformOptions, StartContext } from './start-context.ts';

export interface Platform {
  readonly urls: Urls;
  /**
   * Resolves when every active tenant is served, or its services are reported as failed. Until then /readyz responds with
   * 503. Never rejects.
   */
  readonly ready: Promise<void>;
  /** How far the start has come with the tenants that have their own tasks. */
  restoration(): RestorationProgress;
  /** The first admin's password if this start created the admin. */
  readonly firstPassword: string | undefined;
  /** Opens the start page and the mailbox as the operator. */
  readonly operatorToken: string;
  /** Finishes the requests under way, then ends every process of the platform. */
  close(): Promise<void>;
}

/**
 * Starts the embedded platform. Resolves when the control plane and the pooled services are served.
 * Throws CONFIG, CORRUPT or UNAVAILABLE with the reason. If it throws, it leaves no process running.
 */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const cleanUp = new AsyncDisposableStack();
  try {
    return await assemble({ ...options, clock: systemClock, random: systemRandom, cleanUp });
  } catch (error) {
    // The cause of the failed start is what the operator must see, not what follows from it.
    await cleanUp
      .disposeAsync()
      .catch((err: unknown) => options.log.error({ err }, 'a failed start did not end cleanly'));
    throw error;
  }
}

async function assemble(context: StartContext): Promise<Platform> {
  const { config, dir, log, cleanUp } = context;
  const store = openStore(context);
  const runtime = await openRuntime(context, store);
  // Not earlier: a process that a previous run left behind may have held the port until now.
  const addresses = await chooseAddresses(config);
  const { urls } = addresses;
  const bus = openEvents(context, store);
  const identityParts = await openIdentityParts(context, store, urls);
  const { identity, credentials } = identityParts;
  const firstPassword = await ensureFirstAdmin(identity, { email: config.adminEmail, demo: config.demo }, dir);
  const operatorToken = ensureOperatorToken(dir);
  await renewLocalCredential(credentials, dir);

  const socket = join(store.runDir, 'platform.sock');
  const gateway = openGateway(context, store, runtime, addresses, socket);
  const provisioner = openProvisioner(context, { store, bus, identity, runtime, gateway, addresses });
  let ready = false;
  const isReady = (): boolean => ready;
  const parts = { ...identityParts, store, bus, runtime, gateway, provisioner, urls, socket, isReady, operatorToken };
  await openControlPlane(context, parts);
  await Promise.all([gateway.start(), provisioner.start()]);
  const { restoration } = provisioner;

  async function becomeReady(): Promise<void> {
    await restoration.completed;
    // The gateway must know the tasks before it says so.
    await gateway.applied();
    ready = true;
    log.info({ publicUrl: urls.publicUrl, pid: process.pid, ...restoration.progress }, 'the platform is ready');
  }

  return {
    urls,
    ready: becomeReady(),
    restoration: () => restoration.progress,
    firstPassword,
    operatorToken,
    async close() {
      // The gateway first: everything behind it must serve requests until it has drained.
      await gateway.close();
      await cleanUp.disposeAsync();
    },
  };
}
