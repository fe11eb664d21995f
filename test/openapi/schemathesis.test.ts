import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ensurePython, missingPython } from '../../rehearsal/python-environment.ts';
import { PASSWORD, request, TestPlatform } from '../e2e/harness.ts';

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
/** On a busy machine, Schemathesis ends long after its own limit. */
const TEST_MS = (SECONDS + 300) * 1_000;
const SEED = '1';
/** Limits that the requests do not reach. Otherwise most responses would be 429. */
const LIMITS = { perHour: 1_000_000, burst: 1_000_000 };
const GENEROUS = {
  tiers: { basic: { usagePlan: { rate: 10_000, burst: 10_000, quotaPerDay: 10_000_000 } } },
  signUp: { perMinute: 6_000, burst: 1_000 },
  mailLimits: { perTenant: LIMITS, perRecipient: LIMITS },
};

const directory = mkdtempSync(join(tmpdir(), 'tp-schemathesis-'));
let python: string;

beforeAll(async () => {
  python = await ensurePython('api-tester', { progress: (line) => process.stderr.write(`${line}\n`) });
}, 180_000);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Sends requests for `SECONDS` that are made from the document. @returns the report, in which each difference is named */
async function requestsBy(document: object, url: string, token: string, checks = CHECKS): Promise<string> {
  const file = join(directory, 'openapi.json');
  writeFileSync(file, JSON.stringify(document));
  const args = [
    ...['-m', 'schemathesis.cli', 'run', file, '--url', url, '--header', `Authorization: Bearer ${token}`],
    ...['--checks', checks.join(','), '--seed', SEED, '--max-time', String(SECONDS), '--workers', '1'],
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

/** How many requests the report says were made. */
function count(report: string): number {
  return Number(/(\d+) generated/.exec(report)?.[1] ?? 0);
}

const suite = missingPython() !== undefined && !process.env.CI ? describe.skip : describe;

suite('DX-4: the responses to thousands of made-up requests are those of the OpenAPI document', () => {
  test(
    'of the control plane, with a credential that no request can delete',
    async () => {
      // Tenants that are registered are not provisioned.
      await using platform = await started({ ...GENEROUS, provisioning: 'held' });
      const { body } = await request<object>('GET', platform.urls.openapi);
      const report = await requestsBy(body, platform.urls.controlPlane, await platform.adminToken());
      expect(count(report)).toBeGreaterThan(100);
      expect((await platform.admin('GET', '/tenants')).status).toBe(200);
    },
    TEST_MS,
  );

  describe('of the service', () => {
    let platform: TestPlatform;
    let token: string;

    beforeAll(async () => {
      platform = await started(GENEROUS);
      await platform.onboard('Acme', 'basic');
    }, 90_000);
    afterAll(() => platform?.dispose(), 60_000);

    test.each(['products', 'orders', 'users'])(
      '%s',
      async (service) => {
        token = await platform.tenantToken('Acme', 'admin@acme.example', PASSWORD);
        const { body } = await platform.api<object>('GET', `/${service}/openapi.json`, token);
        const report = await requestsBy(body, platform.urls.api, token, [...CHECKS, METHOD_CHECK]);
        expect(count(report)).toBeGreaterThan(100);
      },
      TEST_MS,
    );
  });
});

async function started(config: object): Promise<TestPlatform & AsyncDisposable> {
  const platform = new TestPlatform({ config });
  await platform.start();
  return Object.assign(platform, { [Symbol.asyncDispose]: () => platform.dispose() });
}
