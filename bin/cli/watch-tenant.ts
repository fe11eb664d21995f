import { setTimeout as wait } from 'node:timers/promises';
import type { Step } from '../../core/tenant/lifecycle.ts';
import type { ControlPlane, TenantView } from './control-plane.ts';
import { CliError } from './exit-codes.ts';
import { duration, note } from './output.ts';

const POLL_MS = 100;

/**
 * Follows a tenant until its state is one of `until`, each step shown on stderr as it ends.
 * Throws failed with the reason if it ends in `failed` instead, timeout after `timeoutMs`.
 */
export async function watchTenant(
  controlPlane: ControlPlane,
  tenantId: string,
  options: { until: readonly string[]; timeoutMs: number; quiet: boolean },
): Promise<TenantView> {
  const deadline = Date.now() + options.timeoutMs;
  const shown = new Set<string>();
  for (;;) {
    const { data: tenant } = await controlPlane.call<{ data: TenantView }>('GET', `/tenants/${tenantId}`);
    if (!options.quiet) showSteps(await progressOf(controlPlane, tenantId), shown);
    if (options.until.includes(tenant.state)) return tenant;
    if (tenant.state === 'failed') {
      throw new CliError('failed', `${tenant.tenantName} failed: ${tenant.reason ?? 'no reason given'}`, {
        hint: `\`tierplane tenants retry "${tenant.tenantName}"\` tries again`,
      });
    }
    if (Date.now() > deadline) {
      throw new CliError(
        'timeout',
        `${tenant.tenantName} is still ${tenant.state} after ${duration(options.timeoutMs)}`,
      );
    }
    await wait(POLL_MS);
  }
}

async function progressOf(controlPlane: ControlPlane, tenantId: string): Promise<readonly Step[]> {
  const { data } = await controlPlane.call<{ data: { steps: Step[] } }>('GET', `/tenants/${tenantId}/progress`);
  return data.steps;
}

function showSteps(steps: readonly Step[], shown: Set<string>): void {
  for (const step of steps) {
    const key = `${step.name} ${step.startedAt}`;
    if (step.status === 'running' || shown.has(key)) continue;
    shown.add(key);
    const took = duration(Date.parse(step.endedAt ?? step.startedAt) - Date.parse(step.startedAt));
    note(step.status === 'done' ? `  ✓ ${step.name} (${took})` : `  ✗ ${step.name}: ${step.reason ?? 'failed'}`);
  }
}
