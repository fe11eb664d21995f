import { setTimeout as wait } from 'node:timers/promises';
import type { ServiceStatus } from '../control-plane/api/operator/schemas.ts';
import type { ServiceKey, TaskStatus } from '../core/ports/runtime.ts';
import type { ControlPlane } from './control-plane.ts';
import { CliError, EXIT } from './exit-codes.ts';
import { duration, note, withNote } from './output.ts';

/** How often a roll-out is looked at, in milliseconds. */
const LOOK_EVERY_MS = 2_000;
/** How often its user is told how far it is, in milliseconds. */
const NOTE_EVERY_MS = 10_000;
/** The platform itself waits for two minutes. */
const TIMEOUT_MS = 125_000;

type Caller = Pick<ControlPlane, 'call' | 'tierplane'>;

export interface RollOut {
  readonly key: ServiceKey;
  /** For the user: `pool/orders is being replaced`. */
  readonly doing: string;
  /** Asks the platform for it. */
  readonly ask: () => Promise<unknown>;
  /** Whether a task is one of those that are wanted, healthy or not yet. */
  readonly isWanted: (task: TaskStatus) => boolean;
  /** How many of them are wanted. */
  readonly desired: number;
}

/**
 * Changes a service's tasks and waits until that is done, telling on stderr how far it is. The front door lets no
 * request wait longer than 30 s; the roll-out goes on behind it, and is looked at from then on.
 * Throws timeout, with why the last task ended, if it does not succeed; the tasks from before keep serving then.
 */
export function rollOut(controlPlane: Caller, change: RollOut): Promise<void> {
  return withNote(change.doing, () => follow(controlPlane, change));
}

async function follow(controlPlane: Caller, { key, doing, ask, isWanted, desired }: RollOut): Promise<void> {
  const start = Date.now();
  let notedAt = start;
  const answered = ask().then(
    () => 'done' as const,
    (error: unknown) => {
      if (error instanceof CliError && error.exitCode === EXIT.timeout) return 'goes on' as const;
      throw error;
    },
  );
  for (;;) {
    // An answer keeps the process alive by its connection; a look that is no longer needed must not.
    const outcome = await Promise.race([answered, wait(LOOK_EVERY_MS, 'asked' as const, { ref: false })]);
    if (outcome === 'done') return;
    if (outcome === 'goes on') await wait(LOOK_EVERY_MS);
    const service = await find(controlPlane, key);
    const healthy = service?.tasks.filter((task) => isWanted(task) && task.state === 'healthy').length ?? 0;
    if (outcome === 'goes on' && healthy === desired && service?.tasks.length === desired) return;
    const passed = Date.now() - start;
    const failure = service?.lastFailure ? `; the last task that ended: ${service.lastFailure}` : '';
    if (passed > TIMEOUT_MS) {
      throw new CliError('timeout', `${doing} for ${duration(passed)} without success${failure}`, {
        hint: `\`${controlPlane.tierplane} logs --service ${key.service}\` shows more; tasks from before keep serving`,
      });
    }
    if (Date.now() - notedAt < NOTE_EVERY_MS) continue;
    notedAt = Date.now();
    note(`  … ${doing} (${duration(passed)}): ${healthy} of ${desired} healthy${failure}`);
  }
}

async function find(controlPlane: Caller, key: ServiceKey): Promise<ServiceStatus | undefined> {
  const { data } = await controlPlane.call<{ data: ServiceStatus[] }>('GET', '/operator/services');
  return data.find(
    ({ cluster, tenantId, service }) => cluster === key.cluster && tenantId === key.tenantId && service === key.service,
  );
}
