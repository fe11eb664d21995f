import { setTimeout as wait } from 'node:timers/promises';
import type { Release } from '../control-plane/api/http/release.ts';
import type { TenantRelease } from '../control-plane/api/tenants/progress-schemas.ts';
import type { Tenant } from '../control-plane/api/tenants/responses.ts';
import type { CliContext } from './context.ts';
import type { ControlPlane } from './control-plane.ts';
import { CliError } from './exit-codes.ts';
import { interruptible } from './interrupt.ts';
import { note, printJson, printLine } from './output.ts';

const POLL_MS = 1_000;

export interface ReleaseOptions {
  /** A release, or true for the platform's. */
  readonly release: string | true;
  readonly wait?: boolean;
  /** In seconds. */
  readonly timeout: number;
}

/**
 * Updates a tenant to the platform's release. With `wait`, throws failed with the reason if the update is rolled back, timeout,
 * and interrupted on Ctrl-C; the update continues then.
 */
export async function updateRelease(
  context: CliContext,
  controlPlane: ControlPlane,
  tenant: Tenant,
  options: ReleaseOptions,
): Promise<void> {
  const path = `/operator/tenants/${tenant.tenantId}/release`;
  const body = options.release === true ? {} : { release: options.release };
  const { data: requested } = await controlPlane.call<TenantRelease>('POST', path, body);
  const ended = options.wait ? await untilEnded(controlPlane, tenant, path, requested, options.timeout) : requested;
  if (context.json) printJson(ended);
  else printLine(`${tenant.tenantName} ${inWords(ended)}`);
}

function untilEnded(
  controlPlane: ControlPlane,
  { tenantName }: Tenant,
  path: string,
  requested: Release,
  timeoutSeconds: number,
): Promise<Release> {
  const end = Date.now() + timeoutSeconds * 1_000;
  return interruptible(async (interrupted) => {
    let shown: string | undefined;
    for (let release = requested; ; release = (await controlPlane.call<TenantRelease>('GET', path)).data) {
      if (release.state === 'failed') {
        throw new CliError('failed', `the update of ${tenantName} was rolled back: ${release.reason}`, {
          hint: `${tenantName} runs ${release.release} as before; the same command tries again`,
        });
      }
      if (release.state !== 'updating') return release;
      if (interrupted.aborted) throw new CliError('interrupted', `the update of ${tenantName} continues`);
      if (Date.now() > end) throw new CliError('timeout', `${tenantName} is still being updated; that continues`);
      if (release.reason !== undefined && release.reason !== shown) note(`  … ${release.reason}`);
      shown = release.reason;
      await wait(POLL_MS, undefined, { signal: interrupted }).catch(() => undefined);
    }
  });
}

function inWords({ state, release, current, reason }: Release): string {
  switch (state) {
    case 'current':
      return `runs release ${current}`;
    case 'pooled':
      return 'runs what the pooled services run';
    case 'updating':
      return `is being updated from ${release ?? 'its release'} to ${current}`;
    case 'outdated':
      return `runs release ${release}; the platform has ${current}`;
    case 'failed':
      return `runs release ${release}; the update to ${current} was rolled back: ${reason}`;
  }
}
