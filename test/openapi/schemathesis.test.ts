import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ensurePython, missingPython } from '../../rehearsal/python-environment.ts';
import { request, TestPlatform } from '../e2e/harness.ts';

const run = promisify(execFile);

/** What Schemathesis compares with the document. It decides by itself which requests to send. */
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'allow_header_conformance',
];
/** The methods that a path does not have. The control plane responds to them with 404, as SBT does. */
const METHOD_CHECK = 'unsupported_method';
/** Time for the requests of one document, in seconds. */
const SECONDS = 60;
/** A busy machine needs more time for the least number of requests, and Schemathesis ends long after its own limit. */
const LEAST_REQUESTS = 101;
const TEST_MS = (SECONDS + 840) * 1_000;
const SEED = '1';
const SERVICES = ['products', 'orders', 'users'] as const;
/** Limits that the requests do not reach. Otherwise most responses would be 429. */
const LIMITS = { perHour: 1_000_000, burst: 1_000_000 };
const GENEROUS = {
  tiers: { basic: { usagePlan: { rate: 10_000, burst: 10_000, quotaPerDay: 10_000_000 } } },
  signUp: { perMinute: 6_000, burst: 1_000 },
  mailLimits: { perTenant: LIMITS, perRecipient: LIMITS },
};

const directory = mkdtempSync(join(tmpdir(), 'tp-schemathesis-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Run {
  readonly document: object;
  readonly url: string;
  readonly token: string;
  readonly checks?: readonly string[];
}

/** Sends requests for `SECONDS`, and until there were enough. @returns how many. @throws Error with each difference */
async function requestsBy(python: string, name: string, plan: Run): Promise<number> {
  const folder = mkdtempSync(join(directory, 'run-'));
  const file = join(folder, 'openapi.json');
  writeFileSync(file, JSON.stringify(plan.document));
  let requests = 0;
  for (let seconds = SECONDS; requests < LEAST_REQUESTS; seconds *= 2) {
    const report = await schemathesis(python, file, { ...plan, seconds });
    requests += Number(/(\d+) generated/.exec(report)?.[1] ?? 0);
  }
  process.stderr.write(`${name}: ${requests} requests\n`);
  return requests;
}

/** @returns the report, in which each difference is named */
async function schemathesis(
  python: string,
  file: string,
  { url, token, checks = CHECKS, seconds }: Run & { readonly seconds: number },
): Promise<string> {
  const args = [
    ...['-m', 'schemathesis.cli', 'run', file, '--url', url, '--header', `Authorization: Bearer ${token}`],
    ...['--checks', checks.join(','), '--seed', SEED, '--max-time', String(seconds), '--workers', '1'],
    ...['--no-shrink', '--no-color', '--continue-on-failure', '--generation-database', 'none'],
    ...['--suppress-health-check', 'all'],
  ];
  try {
    return (await run(python, args, { cwd: directory, maxBuffer: 64 * 2 ** 20 })).stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(
      `${url} differs from its document, or Schemathesis could not run:\n${stdout.slice(-20_000)}${stderr}`,
    );
  }
}

const suite = missingPython() !== undefined && !process.env.CI ? describe.skip : describe;

suite('DX-4: the responses to thousands of made-up requests are those of the OpenAPI document', () => {
  let controlPlane: TestPlatform;
  let tenants: TestPlatform;
  /** The numbers of requests by the names of the documents. All runs begin together, because each waits for its requests. */
  const counts = new Map<string, Promise<number>>();

  beforeAll(async () => {
    const python = await ensurePython('api-tester', { progress: (line) => process.stderr.write(`${line}\n`) });
    // Tenants that are registered are not provisioned.
    [controlPlane, tenants] = await Promise.all([started({ ...GENEROUS, provisioning: 'held' }), started(GENEROUS)]);
    const runs = new Map([['control plane', await runOfControlPlane()], ...(await runsOfServices())]);
    for (const [name, one] of runs) {
      const count = requestsBy(python, name, one);
      // The test of this document reports a failure, when its turn comes.
      count.catch(() => undefined);
      counts.set(name, count);
    }
  }, 300_000);
  afterAll(() => Promise.all([controlPlane?.dispose(), tenants?.dispose()]), 60_000);

  async function runOfControlPlane(): Promise<Run> {
    const { body: document } = await request<object>('GET', controlPlane.urls.openapi);
    return { document, url: controlPlane.urls.controlPlane, token: await controlPlane.adminToken() };
  }

  /** Each service with a tenant of its own: the users service may end the sessions of its tenant. */
  async function runsOfServices(): Promise<[string, Run][]> {
    const checks = [...CHECKS, METHOD_CHECK];
    const runOf = async (service: string): Promise<[string, Run]> => {
      const { tenantName, email } = await tenants.onboard(`Acme ${service}`, 'basic');
      const token = await tenants.tenantToken(tenantName, email);
      const { body: document } = await tenants.api<object>('GET', `/${service}/openapi.json`, token);
      return [service, { document, url: tenants.urls.api, token, checks }];
    };
    return Promise.all(SERVICES.map(runOf));
  }

  test(
    'of the control plane, with a credential that no request can delete',
    async () => {
      expect(await counts.get('control plane')).toBeGreaterThanOrEqual(LEAST_REQUESTS);
      expect((await controlPlane.admin('GET', '/tenants')).status).toBe(200);
    },
    TEST_MS,
  );

  describe('of the service', () => {
    test.each(SERVICES)(
      '%s',
      async (service) => {
        expect(await counts.get(service)).toBeGreaterThanOrEqual(LEAST_REQUESTS);
      },
      TEST_MS,
    );
  });
});

async function started(config: object): Promise<TestPlatform> {
  const platform = new TestPlatform({ config });
  await platform.start();
  return platform;
}
