import { AwsCommandLine } from '../aws/command-line.ts';
import { until } from '../until.ts';
import type { Operations } from './operation.ts';

/** How long the offboarding of one tenant may take, in seconds. */
const TIMEOUT_S = 1_800;
const POLL_MS = 2_000;
/** The command line's exit code for a tenant that does not exist. */
const REFUSED = 4;
/** Offboardings at a time. */
const PARALLEL = 5;

interface Tenant {
  readonly tenantId: string;
  readonly tenantName: string;
}

/**
 * Offboards every tenant, as an administrator does: the application plane deletes stacks, users, items and keys. What it
 * cannot delete is reported; the stacks that remain are deleted after this.
 */
export async function offboardTenants(environment: string, operations: Operations): Promise<void> {
  let commandLine: AwsCommandLine | undefined;
  let tenants: readonly Tenant[] = [];
  await operations.run('list the tenants', async () => {
    commandLine = await AwsCommandLine.open(environment);
    const { code, stdout, stderr } = await commandLine.run(['tenants', 'list', '--json']);
    if (code !== 0) throw new Error(stderr.trim());
    tenants = JSON.parse(stdout) as readonly Tenant[];
  });
  const queue = [...tenants];
  const work = async (): Promise<void> => {
    for (let tenant = queue.shift(); tenant !== undefined; tenant = queue.shift()) {
      await offboard(commandLine, tenant, operations);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
}

async function offboard(
  commandLine: AwsCommandLine | undefined,
  { tenantId, tenantName }: Tenant,
  operations: Operations,
): Promise<void> {
  await operations.run(`offboard ${tenantName} (${tenantId})`, async () => {
    if (!commandLine) throw new Error('not signed in');
    const { code, stderr } = await commandLine.run(['tenants', 'delete', tenantId, '--yes']);
    if (code !== 0) throw new Error(stderr.trim());
    await untilDeleted(commandLine, tenantId);
  });
}

async function untilDeleted(commandLine: AwsCommandLine, tenantId: string): Promise<void> {
  let shown = '';
  await until(
    async () => {
      const { code, stdout, stderr } = await commandLine.run(['tenants', 'get', tenantId, '--json']);
      // The platform no longer knows it.
      if (code === REFUSED) return true;
      if (code !== 0) throw new Error(stderr.trim());
      const { state, reason } = JSON.parse(stdout) as { state: string; reason?: string };
      if (state === 'failed') throw new Error(reason ?? 'the offboarding failed');
      shown = state;
      return state === 'deleted';
    },
    { withinMs: TIMEOUT_S * 1_000, everyMs: POLL_MS, failure: () => `${shown} after ${TIMEOUT_S} s` },
  );
}
