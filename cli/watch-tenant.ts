import { setTimeout as wait } from 'node:timers/promises';
import type { TenantProgress } from '../control-plane/api/tenants/progress-schemas.ts';
import type { Tenant } from '../control-plane/api/tenants/responses.ts';
import type { Step } from '../core/progress/step.ts';
import type { ControlPlane } from './control-plane.ts';
import { CliError, EXIT } from './exit-codes.ts';
import { interruptible } from './interrupt.ts';
import { duration, note } from './output.ts';
import { servicesOf } from './roll-out.ts';

/** How often a tenant's state is read, in milliseconds: of a platform on this machine, and of one elsewhere. */
const POLL_MS = 100;
const POLL_ELSEWHERE_MS = 2_000;
/** Time without output after which progress is reported, in milliseconds; it doubles with each report. */
const SILENCE_MS = 2_000;
const MAX_SILENCE_MS = 10_000;

interface WatchOptions {
  /** Shown once Ctrl-C is handled, so that a user who reads it can interrupt. @default - nothing is shown */
  readonly announcement?: string;
  readonly until: readonly string[];
  readonly timeoutMs: number;
}

/**
 * Follows a tenant until its state is one of `until`, and shows each step on stderr when it ends.
 * Throws failed with the reason if the tenant fails, timeout after `timeoutMs`, interrupted on Ctrl-C; the operation
 * continues then.
 */
export function watchTenant(controlPlane: ControlPlane, tenantId: string, options: WatchOptions): Promise<Tenant> {
  return interruptible((interrupted) => follow(controlPlane, tenantId, options, interrupted));
}

async function follow(
  controlPlane: ControlPlane,
  tenantId: string,
  { announcement, until, timeoutMs }: WatchOptions,
  interrupted: AbortSignal,
): Promise<Tenant> {
  const start = Date.now();
  const pollMs = controlPlane.isElsewhere ? POLL_ELSEWHERE_MS : POLL_MS;
  const show = stepPrinter();
  if (announcement !== undefined) note(announcement);
  for (;;) {
    const { data: tenant } = await controlPlane.call<{ data: Tenant }>('GET', `/tenants/${tenantId}`);
    await show(await progressOf(controlPlane, tenantId), tenant.state, () => troubleOf(controlPlane, tenantId));
    if (until.includes(tenant.state)) return tenant;
    if (tenant.state === 'failed') throw failure(tenant, controlPlane.tierplane);
    const follow = { hint: `\`${controlPlane.tierplane} tenants watch ${tenantId}\` follows its progress` };
    if (interrupted.aborted) {
      throw new CliError('interrupted', `${tenant.tenantName} is ${tenant.state}; that continues`, follow);
    }
    if (Date.now() - start > timeoutMs) {
      const waited = duration(timeoutMs);
      throw new CliError('timeout', `${tenant.tenantName} is still ${tenant.state} after ${waited}`, follow);
    }
    await wait(pollMs, undefined, { signal: interrupted }).catch(() => undefined);
  }
}

function failure({ tenantName, reason }: Tenant, tierplane: string): CliError {
  return new CliError('failed', `${tenantName} failed: ${reason ?? 'no reason given'}`, {
    hint: `\`${tierplane} tenants retry "${tenantName}"\` tries again`,
  });
}

async function progressOf(controlPlane: ControlPlane, tenantId: string): Promise<readonly Step[]> {
  const { data } = await controlPlane.call<TenantProgress>('GET', `/tenants/${tenantId}/progress`);
  return data.steps;
}

/**
 * The last failures of the tenant's services that have no healthy task; '' if all have one, or if the platform does not list
 * services: a control plane that is installed alone.
 */
async function troubleOf(controlPlane: ControlPlane, tenantId: string): Promise<string> {
  const services = await servicesOf(controlPlane, `tenantId=${tenantId}`).catch((error: unknown) => {
    if (error instanceof CliError && error.exitCode === EXIT.refused) return [];
    throw error;
  });
  return services
    .filter((one) => !one.tasks.some((task) => task.state === 'healthy'))
    .flatMap(({ service, lastFailure }) => (lastFailure ? [`; a task of ${service} failed: ${lastFailure}`] : []))
    .join('');
}

/** A step in progress, with what it waits for. */
function runningText({ name, reason }: Step): string {
  return reason === undefined ? name : `${name} (${reason})`;
}

/** Shows each step once, when it has ended, and in between the steps in progress. */
function stepPrinter(): (steps: readonly Step[], state: string, why: () => Promise<string>) => Promise<void> {
  const start = Date.now();
  const shown = new Set<string>();
  let lastOutputAt = start;
  let silence = SILENCE_MS;
  const show = (text: string): void => {
    note(text);
    lastOutputAt = Date.now();
  };
  return async (steps, state, why) => {
    for (const step of steps) {
      const key = `${step.name} ${step.startedAt}`;
      if (step.status === 'running' || shown.has(key)) continue;
      shown.add(key);
      silence = SILENCE_MS;
      const took = duration(Date.parse(step.endedAt ?? step.startedAt) - Date.parse(step.startedAt));
      show(step.status === 'done' ? `  ✓ ${step.name} (${took})` : `  ✗ ${step.name}: ${step.reason ?? 'failed'}`);
    }
    if (Date.now() - lastOutputAt < silence) return;
    silence = Math.min(2 * silence, MAX_SILENCE_MS);
    const running = steps.filter((step) => step.status === 'running').map(runningText);
    show(`  … ${running.join(', ') || state} (${duration(Date.now() - start)})${await why()}`);
  };
}
