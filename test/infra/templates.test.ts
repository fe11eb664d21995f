import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { ensurePython } from '../../rehearsal/python-environment.ts';
import { describeWithPython } from '../support/describe-with-python.ts';
import type { Template } from './iam/template.ts';
import { schemaErrors } from './service-spec.ts';

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

describe('the templates of the AWS home', () => {
  const output = mkdtempSync(join(tmpdir(), 'tierplane-templates-'));
  let files: string[] = [];
  beforeAll(() => {
    const configuration = join(output, 'aws.json');
    writeFileSync(configuration, JSON.stringify(EVERYTHING));
    const all = templatesOf(join(output, 'all'), { configuration });
    const alone = templatesOf(join(output, 'alone'), { controlPlaneOnly: 'true' });
    expect([all.length, alone.length]).toEqual([6, 1]);
    files = [...all, ...alone];
  });
  afterAll(() => rmSync(output, { recursive: true }));

  test("have only resources and properties that AWS's own description of its resources has", () => {
    const errors = files.flatMap((file) => schemaErrors(JSON.parse(readFileSync(file, 'utf8')) as Template));
    expect(errors).toEqual([]);
  });

  describeWithPython('checked by cfn-lint', () => {
    test('have no error', async () => {
      const python = await ensurePython('linter', { progress: (line) => process.stderr.write(`${line}\n`) });
      // W3005: CDK writes a dependency twice. W6001: the address of the sign-in page contains that of the site.
      const options = ['--ignore-checks', 'W3005', 'W6001', '--template', ...files];
      const lint = spawnSync(python, ['-c', RUN, ...options], { encoding: 'utf8' });
      expect(lint.stdout + lint.stderr).toBe('');
      expect(lint.status).toBe(0);
    });
  });
});

describe("the check against AWS's description", () => {
  const errorsOf = (Type: string, Properties: Record<string, unknown>) =>
    schemaErrors({ Resources: { One: { Type, Properties } } });

  test('finds unknown types, unknown and missing properties, and values of another type, at any depth', () => {
    expect(errorsOf('AWS::SQS::Queues', {})).toEqual(['One: unknown type AWS::SQS::Queues']);
    expect(errorsOf('AWS::SQS::Queue', { Name: 'a' })).toEqual(['One (AWS::SQS::Queue): unknown property Name']);
    expect(errorsOf('AWS::SQS::Queue', { DelaySeconds: 'soon' })).toEqual([
      'One (AWS::SQS::Queue).DelaySeconds: must be of type integer, got "soon"',
    ]);
    expect(errorsOf('AWS::EC2::SecurityGroup', { GroupDescription: 'a', SecurityGroupIngress: [{}] })).toEqual([
      'One (AWS::EC2::SecurityGroup).SecurityGroupIngress[0]: IpProtocol is required',
    ]);
    expect(errorsOf('AWS::ECS::Service', { LoadBalancers: {} })).toEqual([
      'One (AWS::ECS::Service).LoadBalancers: must be a list',
    ]);
  });

  test('takes a function of CloudFormation for any value', () => {
    expect(errorsOf('AWS::SQS::Queue', { DelaySeconds: { Ref: 'Delay' }, QueueName: { 'Fn::Sub': 'a' } })).toEqual([]);
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
