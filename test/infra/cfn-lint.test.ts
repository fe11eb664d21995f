import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, jest, test } from '@jest/globals';
import { ensurePython } from '../../rehearsal/python-environment.ts';
import { describeWithPython } from '../support/describe-with-python.ts';

const ROOT = join(import.meta.dirname, '../..');
/** The body of the cfn-lint command. The command itself does not work in a Python environment that was moved. */
const RUN = 'import sys; from cfnlint.runner import main; sys.exit(main())';
jest.setTimeout(240_000);

/** Uses every kind of resource that a configuration can add. */
const EVERYTHING = {
  network: { egress: 'endpoints', natGateways: 3 },
  shards: 2,
  certificateArn: 'arn:aws:acm:us-east-1:000000000000:certificate/01234567-89ab-cdef-0123-456789abcdef',
  certificateHost: 'lb.example.com',
  tiers: { premium: { capacity: 'ec2' }, basic: { spotPercent: 50 } },
  alarmEmails: { critical: ['ops@example.com'] },
};

describeWithPython('cfn-lint', () => {
  const output = mkdtempSync(join(tmpdir(), 'tierplane-lint-'));
  afterAll(() => rmSync(output, { recursive: true }));

  test('finds no error in any template', async () => {
    const python = await ensurePython('linter', { progress: (line) => process.stderr.write(`${line}\n`) });
    const configuration = join(output, 'aws.json');
    writeFileSync(configuration, JSON.stringify(EVERYTHING));
    const all = templatesOf(join(output, 'all'), { configuration });
    const alone = templatesOf(join(output, 'alone'), { controlPlaneOnly: 'true' });
    expect([all.length >= 3, alone.length]).toEqual([true, 1]);
    // W3005: CDK writes a dependency twice.
    const options = ['--ignore-checks', 'W3005', '--template', ...all, ...alone];
    const lint = spawnSync(python, ['-c', RUN, ...options], { encoding: 'utf8' });
    expect(lint.stdout + lint.stderr).toBe('');
    expect(lint.status).toBe(0);
  });
});

/** The paths of the templates that the CDK app writes into the folder. */
function templatesOf(folder: string, context: Readonly<Record<string, string>>): string[] {
  const CDK_CONTEXT_JSON = JSON.stringify(context);
  const env = { ...process.env, CDK_OUTDIR: folder, CDK_CONTEXT_JSON, JSII_DEPRECATED: 'quiet' };
  execFileSync(process.execPath, ['bin/cdk.ts'], { cwd: ROOT, env });
  const names = readdirSync(folder).filter((name) => name.endsWith('.template.json'));
  return names.map((name) => join(folder, name));
}
