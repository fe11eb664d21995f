import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { issuerKey } from '../adapters/aws/identity/issuer-record.ts';
import { openTable } from '../adapters/aws/store/table.ts';
import { systemClock, systemRandom } from '../adapters/shared/clock.ts';
import { put } from '../core/ports/table.ts';
import { routeKey, subjectKey } from '../core/routing/registry.ts';
import { functionCode } from '../infra/function-code.ts';
import { CLIENT_ID, type StubAccount, SUBJECT, startStubAccount, TENANT_ID } from './aws-account.ts';
import { figure, type Measured, percentile, round } from './figure.ts';
import { onCore, ROOT } from './processes.ts';
import type { Run } from './run.ts';
import { outputOf, scratchFolder } from './scratch.ts';
import { bareNodeStart } from './yardsticks.ts';

const CALLS = { quick: 2_000, full: 20_000 };
const STARTS = { quick: 3, full: 10 };
const FOLDERS = ['app-plane/lambda', 'control-plane/lambda'];

/**
 * Processor time of one call of the warm authorizer, with cached keys and registry. The registry is cached for two seconds,
 * so calls of the account are counted within that time. @throws Error if a call of the account was made meanwhile
 */
export async function authorizer(run: Run): Promise<Measured> {
  const account = await startStubAccount();
  const folder = scratchFolder();
  try {
    await fillRegistry(account);
    const bundle = join(folder.path, 'authorizer.js');
    writeFileSync(bundle, functionCode('app-plane/lambda/authorizer.ts'));
    const script = join(import.meta.dirname, 'aws-authorizer-process.ts');
    const calls = run.sizes.quick ? CALLS.quick : CALLS.full;
    const [command, args] = onCore('server', [process.execPath, script, bundle, account.token, String(calls)]);
    const env = { ...account.environment, NODE_PATH: join(ROOT, 'node_modules'), TIERPLANE_TABLE: 'registry' };
    const output = await outputOf(command, args, { env });
    const { cpuMs, outgoing, verifyMs } = JSON.parse(output.trim().split('\n').at(-1) ?? '') as Record<string, number>;
    if (outgoing !== 0) throw new Error(`the warm authorizer must call nothing, got ${outgoing} calls`);
    const yardstick = { name: 'one RSA signature verified', value: verifyMs ?? Number.NaN, unit: 'ms' };
    return { figure: figure('authorizer', cpuMs ?? Number.NaN, 'ms CPU', yardstick, { atMost: 1 }) };
  } finally {
    await folder.remove();
    await account.stop();
  }
}

/** What the registry knows of the tokens' user and tenant. */
async function fillRegistry({ endpoint, issuer }: StubAccount): Promise<void> {
  const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench' };
  const client = new DynamoDBClient({ endpoint, region: 'eu-central-1', credentials });
  const table = openTable({ client, tableName: 'registry', clock: systemClock, random: systemRandom });
  const user = { issuer, subject: SUBJECT, realm: 'pool', userName: 'bench', email: 'bench@bench.example' } as const;
  const subject = { ...user, role: 'TenantAdmin', tenantId: TENANT_ID, enabled: true };
  const route = { tenantId: TENANT_ID, slug: 'bench', tier: 'basic', state: 'active', apiKey: 'key-of-bench' } as const;
  await table.transact([
    put({ ...issuerKey(issuer), version: 1, data: { realm: 'pool', clientId: CLIENT_ID } }),
    put({ ...subjectKey('pool', SUBJECT), version: 1, data: subject }),
    put({ ...routeKey(TENANT_ID), version: 1, data: { ...route, realm: 'pool', cluster: 'pool', silo: false } }),
  ]);
  client.destroy();
}

/** The function that takes longest to initialise, and all others. */
export async function functionInit(run: Run): Promise<Measured> {
  const all = await initialisations(run);
  const [slowest] = all;
  if (!slowest) throw new Error('there is no function');
  const yardstick = await bareNodeStart(run);
  return {
    figure: figure('function-init', slowest.ms, 'ms', yardstick, { atMost: 0 }, 'nothing'),
    remarks: all.map(({ name, ms }) => `${name}: ${round(ms)} ms`),
  };
}

interface Init {
  readonly name: string;
  readonly ms: number;
}

/** Time to load each function's bundle in a new process, without the start of Node. The AWS SDK counts, as it does on Lambda. */
async function initialisations(run: Run): Promise<Init[]> {
  const { value: bare } = await bareNodeStart(run);
  const folder = scratchFolder();
  const found: Init[] = [];
  for (const entry of FOLDERS.flatMap(entriesOf)) {
    const file = join(folder.path, `${entry.replaceAll('/', '.')}.js`);
    writeFileSync(file, functionCode(entry, { onDemand: ['docs-page', 'control-plane-document'] }));
    const times: number[] = [];
    for (let n = 0; n < (run.sizes.quick ? STARTS.quick : STARTS.full); n++) {
      const started = performance.now();
      // Without its environment a function fails after it has loaded everything.
      await outputOf(process.execPath, ['-e', `try { require('${file}') } catch {} process.exit(0)`], {
        env: { PATH: process.env.PATH, NODE_PATH: join(ROOT, 'node_modules'), AWS_REGION: 'eu-central-1' },
      });
      times.push(performance.now() - started);
    }
    found.push({ name: entry.replace('/lambda/', '.').replace('.ts', ''), ms: percentile(times, 0.5) - bare });
  }
  await folder.remove();
  return found.sort((a, b) => b.ms - a.ms);
}

/** Entry points export a handler. */
function entriesOf(folder: string): string[] {
  const files = readdirSync(join(ROOT, folder)).filter((name) => name.endsWith('.ts'));
  return files.map((name) => `${folder}/${name}`).filter((file) => isEntry(file));
}

function isEntry(file: string): boolean {
  return /^export (async )?(function|const) handler\b/m.test(readFileSync(join(ROOT, file), 'utf8'));
}
