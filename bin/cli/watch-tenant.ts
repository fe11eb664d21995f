import { setTimeout as wait } from 'node:timers/promises';
import type { Step } from '../../core/tenant/lifecycle.ts';
import type { ControlPlane, TenantView } from './control-plane.ts';
import { CliError } from './exit-codes.ts';
import { interruptible } from './interrupt.ts';
import { duration, note } from './output.ts';

const POLL_MS = 100;
/** After so long without a word the user is told that it still goes on. */
const SILENCE_MS = 2_000;

interface WatchOptions {
  readonly until: readonly string[];
  readonly timeoutMs: number;
}

/**
 * Follows a tenant until its state is one of `until`, each step shown on stderr as it ends.
 * Throws failed with the reason if it ends in `failed` instead, timeout after `timeoutMs`, interrupted on Ctrl-C; what
 * was asked for goes on then.
 */
export function watchTenant(controlPlane: ControlPlane, tenantId: string, options: WatchOptions): Promise<TenantView> {
  return interruptible((interrupted) => follow(controlPlane, tenantId, options, interrupted));
}

async function follow(
  controlPlane: ControlPlane,
  tenantId: string,
  { until, timeoutMs }: WatchOptions,
  interrupted: AbortSignal,
): Promise<TenantView> {
  const start = Date.now();
  const show = stepPrinter();
  for (;;) {
    const { data: tenant } = await controlPlane.call<{ data: TenantView }>('GET', `/tenants/${tenantId}`);
    show(await progressOf(controlPlane, tenantId), tenant.state);
    if (until.includes(tenant.state)) return tenant;
    if (tenant.state === 'failed') throw failure(tenant);
    const goesOn = { hint: `\`tierplane tenants watch ${tenantId}\` follows it` };
    if (interrupted.aborted) {
      throw new CliError('interrupted', `${tenant.tenantName} is ${tenant.state}; that goes on`, goesOn);
    }
    if (Date.now() - start > timeoutMs) {
      const waited = duration(timeoutMs);
      throw new CliError('timeout', `${tenant.tenantName} is still ${tenant.state} after ${waited}`, goesOn);
    }
    await wait(POLL_MS, undefined, { signal: interrupted }).catch(() => undefined);
  }
}

function failure({ tenantName, reason }: TenantView): CliError {
  return new CliError('failed', `${tenantName} failed: ${reason ?? 'no reason given'}`, {
    hint: `\`tierplane tenants retry "${tenantName}"\` tries again`,
  });
}

async function progressOf(controlPlane: ControlPlane, tenantId: string): Promise<readonly Step[]> {
  const { data } = await controlPlane.call<{ data: { steps: Step[] } }>('GET', `/tenants/${tenantId}/progress`);
  return data.steps;
}

/** Shows each step once, when it has ended; in between, every two seconds, what is being waited for. */
function stepPrinter(): (steps: readonly Step[], state: string) => void {
  const start = Date.now();
  const shown = new Set<string>();
  let lastWordAt = start;
  const say = (text: string): void => {
    note(text);
    lastWordAt = Date.now();
  };
  return (steps, state) => {
    for (const step of steps) {
      const key = `${step.name} ${step.startedAt}`;
      if (step.status === 'running' || shown.has(key)) continue;
      shown.add(key);
      const took = duration(Date.parse(step.endedAt ?? step.startedAt) - Date.parse(step.startedAt));
      say(step.status === 'done' ? `  ✓ ${step.name} (${took})` : `  ✗ ${step.name}: ${step.reason ?? 'failed'}`);
    }
    if (Date.now() - lastWordAt < SILENCE_MS) return;
    const running = steps.filter((step) => step.status === 'running').map((step) => step.name);
    say(`  … ${running.join(', ') || state} (${duration(Date.now() - start)})`);
  };
}
