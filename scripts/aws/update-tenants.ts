import { parseArgs } from 'node:util';
import { AwsCommandLine } from './command-line.ts';

/**
 * `node scripts/aws/update-tenants.ts --environment NAME [--release RELEASE] [--dry-run]`: updates the tenants that have services
 * of their own to the platform's release, one after the other. Stops with 1 at the first tenant whose update fails.
 */
const {
  environment,
  release,
  'dry-run': dryRun,
} = parseArgs({
  options: {
    environment: { type: 'string', default: 'main' },
    release: { type: 'string' },
    'dry-run': { type: 'boolean', default: false },
  },
}).values;

interface Tenant {
  readonly tenantId: string;
  readonly tenantName: string;
}

/** How an update ended; `pooled` tenants run what the pool runs. */
interface Release {
  readonly state: 'current' | 'pooled' | 'updating' | 'outdated' | 'failed';
  readonly current: string;
}

const commandLine = await AwsCommandLine.open(environment);

async function run<T>(args: readonly string[]): Promise<T> {
  const { code, stdout } = await commandLine.run([...args, '--json'], true);
  // The command has said why on stderr.
  if (code !== 0) process.exit(1);
  return JSON.parse(stdout) as T;
}

/** The longest that the command waits. A canary deployment of three services takes about a quarter of an hour. */
const TIMEOUT_SECONDS = 3_600;
const wanted = [...(release === undefined ? ['--release'] : ['--release', release]), '--timeout', `${TIMEOUT_SECONDS}`];
for (const { tenantId, tenantName } of await run<Tenant[]>(['tenants', 'list', '--state', 'active'])) {
  if (dryRun) {
    process.stdout.write(`+ tierplane --aws=${environment} tenants update ${tenantId} ${wanted.join(' ')} --wait\n`);
    continue;
  }
  const { state, current } = await run<Release>(['tenants', 'update', tenantId, '--wait', ...wanted]);
  const runs = state === 'pooled' ? 'runs what the pooled services run' : `runs release ${current}`;
  process.stdout.write(`  \u2713 ${tenantName} ${runs}\n`);
}
