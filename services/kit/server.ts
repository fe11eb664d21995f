import { chmodSync, rmSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { createCallerLookup } from '../../adapters/embedded/identity/caller-lookup.ts';
import { openTable, type SqliteTable } from '../../adapters/embedded/store/table.ts';
import { systemClock, systemRandom } from '../../adapters/shared/clock.ts';
import { createSignature } from '../../adapters/shared/identity/signature.ts';
import { isDomainError, messageOf } from '../../core/errors.ts';
import { createAuthorize } from '../../core/identity/authorize.ts';
import { newId } from '../../core/tenant/ids.ts';
import { withTimeout } from '../../core/time/wait.ts';
import { linkToAgent, reportDataFailure } from './agent-link.ts';
import { readEnvironment } from './environment.ts';
import { giveBackWhenIdle } from './idle-memory.ts';
import { preloadKeys } from './preload-keys.ts';
import { drain, environmentOrExit, openLog } from './server-process.ts';
import type { ServiceParts } from './service.ts';

/** Requests that are on their way when a drain begins arrive within this time. */
const LINGER_MS = 250;
/** A drain ends after this time, even if requests are in progress. */
const DRAIN_MS = 10_000;
/** A task is ready no later than this after it listens, even if the keys of its issuers have not arrived. */
const KEYS_WITHIN_MS = 500;
/** The key that a readiness check reads. No item has it, and no tenant: tenant ids are longer. */
const READY_KEY = { pk: 'ready', sk: 'ready' };
/** Exit code of a task that cannot open its data (EX_IOERR of sysexits.h). */
const DATA_EXIT_CODE = 74;

/**
 * Runs one task of the embedded home: reads its environment, opens its store, listens on its socket, and notifies its agent
 * that it is ready. The task ends when the agent drains it or is gone. Exits with 78 if the environment is invalid, with 74
 * if its data cannot be opened.
 */
export async function runService(name: string, build: (parts: ServiceParts) => FastifyInstance): Promise<void> {
  const environment = environmentOrExit(name, readEnvironment);
  // Only this user may access sockets and files.
  process.umask(0o077);
  const { TIERPLANE_SERVICE: service, TIERPLANE_TASK_ID: taskId } = environment;
  const log = openLog({ service, taskId });
  const trusted = new Map(environment.TIERPLANE_ISSUERS.map((issuer) => [issuer.issuer, issuer]));
  const signature = createSignature({ jwksUri: (issuer) => trusted.get(issuer)?.jwksUri, clock: systemClock });
  const keysRead = preloadKeys(signature.preload, trusted.keys(), { clock: systemClock, random: systemRandom });
  const table = await openDataOrExit(environment.TIERPLANE_DATA_FILE);

  const end = () => drain(app, { log, lingerMs: LINGER_MS, deadlineMs: DRAIN_MS, closeStore: () => table.close() });
  const agent = linkToAgent(process, {
    drain: () => void end(),
    orphaned: () => process.exit(0),
  });
  process.once('SIGTERM', () => void end());

  const app = build({
    name,
    config: { tenant: environment.TIERPLANE_TENANT, identityUrl: environment.TIERPLANE_IDENTITY_URL },
    tableOf: () => table,
    checkReady: async () => void (await table.get(READY_KEY)),
    authorize: createAuthorize({
      issuers: (issuer) => trusted.get(issuer),
      verifySignature: signature.verify,
      clock: systemClock,
    }),
    callers: createCallerLookup(environment.TIERPLANE_IDENTITY_URL),
    log,
    clock: systemClock,
    ids: () => newId(systemClock.now(), systemRandom),
    directory: agent.directory,
  });
  keepSmallWhenIdle(app);
  await listen(app, environment.TIERPLANE_SOCKET);
  await withTimeout(systemClock, KEYS_WITHIN_MS, keysRead, () => undefined);
  log.info({ pid: process.pid }, 'ready');
  agent.ready();
}

/**
 * Returns memory to the system in pauses between requests, if the agent started Node with --expose-gc. Only a collection of
 * the type last-resort also shrinks the new space.
 */
function keepSmallWhenIdle(app: FastifyInstance): void {
  const { gc } = globalThis;
  if (gc === undefined) return;
  const collect = (): void => gc({ type: 'major', flavor: 'last-resort', execution: 'sync' });
  const memory = giveBackWhenIdle({ clock: systemClock, collect });
  app.addHook('onResponse', (request, _reply, done) => {
    if (request.url !== '/healthz') memory.used();
    done();
  });
  app.addHook('onClose', async () => memory.close());
}

/** First deletes the socket file that a killed task has left; otherwise the address would be in use. */
async function listen(app: FastifyInstance, socket: string): Promise<void> {
  rmSync(socket, { force: true });
  await app.listen({ path: socket });
  chmodSync(socket, 0o600);
}

/** The file stays as it is: only the operator can know what to do with it. */
async function openDataOrExit(file: string): Promise<SqliteTable> {
  try {
    return openTable({ file, clock: systemClock });
  } catch (error) {
    const reason = isDomainError(error, 'CORRUPT')
      ? error.message
      : `${file} cannot be opened (${messageOf(error)}); it must be a file that user ${process.getuid?.()} can read and write`;
    process.stderr.write(`${reason}\n`);
    await reportDataFailure(process, reason);
    process.exit(DATA_EXIT_CODE);
  }
}
