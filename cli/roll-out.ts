import { setTimeout as wait } from 'node:timers/promises';
import type { ServiceStatus } from '../control-plane/api/operator/schemas.ts';
import type { ServiceKey, TaskStatus } from '../core/ports/runtime.ts';
import type { ControlPlane } from './control-plane.ts';
import { CliError, EXIT } from './exit-codes.ts';
import { duration, note, withNote } from './output.ts';

/** How often the state of a roll-out is read, in milliseconds: on a platform of this machine, and on one elsewhere. */
const POLL_MS = 2_000;
const POLL_ELSEWHERE_MS = 5_000;
/** How often progress is reported, in milliseconds. */
const REPORT_EVERY_MS = 10_000;
/** In milliseconds; a platform on one machine itself waits for two minutes. */
const TIMEOUT_MS = 125_000;
/** On AWS, a canary deployment waits for its alarms. */
const TIMEOUT_ELSEWHERE_MS = 30 * 60_000;

type Caller = Pick<ControlPlane, 'call' | 'tierplane' | 'isElsewhere'>;

export interface RollOut {
  readonly key: ServiceKey;
  /** For progress and errors: `scaling pool/orders`. */
  readonly doing: string;
  /** Sends the change to the platform. */
  readonly request: () => Promise<unknown>;
  /** Whether a task belongs to the roll-out's outcome, healthy or not yet. */
  readonly isNew: (task: TaskStatus) => boolean;
  /** How many such tasks there are in the end. */
  readonly desired: number;
}

/**
 * Changes a service's tasks and waits until the change is complete, with progress on stderr. The gateway ends a request
 * after 30 s while the roll-out continues, and AWS responds when it has begun. So from then on its state is polled.
 * Throws timeout, with the reason the last task ended for, if it does not succeed; the previous tasks keep serving.
 */
export function rollOut(controlPlane: Caller, change: RollOut): Promise<void> {
  return withNote(change.doing, () => follow(controlPlane, change));
}

async function follow(controlPlane: Caller, { key, doing, request, isNew, desired }: RollOut): Promise<void> {
  const start = Date.now();
  const [pollMs, timeoutMs] = controlPlane.isElsewhere
    ? [POLL_ELSEWHERE_MS, TIMEOUT_ELSEWHERE_MS]
    : [POLL_MS, TIMEOUT_MS];
  let reportedAt = start;
  const responded = request().then(
    () => (controlPlane.isElsewhere ? ('continues' as const) : ('done' as const)),
    (error: unknown) => {
      if (error instanceof CliError && error.exitCode === EXIT.timeout) return 'continues' as const;
      throw error;
    },
  );
  for (;;) {
    // The open request keeps the process alive; a timer that is no longer needed must not.
    const outcome = await Promise.race([responded, wait(pollMs, 'waiting' as const, { ref: false })]);
    if (outcome === 'done') return;
    if (outcome === 'continues') await wait(pollMs);
    const service = await find(controlPlane, key);
    const healthy = service?.tasks.filter((task) => isNew(task) && task.state === 'healthy').length ?? 0;
    if (outcome === 'continues' && healthy === desired && service?.tasks.length === desired) return;
    const passed = Date.now() - start;
    const failure = service?.lastFailure ? `; last task failure: ${service.lastFailure}` : '';
    if (passed > timeoutMs) {
      throw new CliError('timeout', `${doing} did not succeed within ${duration(passed)}${failure}`, {
        hint: `\`${controlPlane.tierplane} ${whereToLook(controlPlane, key)}\` shows more; the previous tasks keep serving`,
      });
    }
    if (Date.now() - reportedAt < REPORT_EVERY_MS) continue;
    reportedAt = Date.now();
    note(`  … ${doing} (${duration(passed)}): ${healthy} of ${desired} healthy${failure}`);
  }
}

function whereToLook({ isElsewhere }: Caller, { service }: ServiceKey): string {
  return isElsewhere ? `services list --service ${service}` : `logs --service ${service}`;
}

async function find(controlPlane: Caller, key: ServiceKey): Promise<ServiceStatus | undefined> {
  const selection = key.tenantId === null ? `cluster=${key.cluster}` : `tenantId=${key.tenantId}`;
  return (await servicesOf(controlPlane, selection)).find(
    ({ cluster, tenantId, service }) => cluster === key.cluster && tenantId === key.tenantId && service === key.service,
  );
}

/** Services with their tasks. @param selection `tenantId=<id>` or `cluster=<id>`. @default - all services */
export async function servicesOf(
  controlPlane: Pick<ControlPlane, 'call'>,
  selection?: string,
): Promise<readonly ServiceStatus[]> {
  const query = selection === undefined ? '' : `?${selection}`;
  return (await controlPlane.call<{ data: ServiceStatus[] }>('GET', `/operator/services${query}`)).data;
}
