import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
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

/** Every template that the AWS app synthesizes, whatever stacks it has. */
describe('the templates of the AWS home', () => {
  const output = mkdtempSync(join(tmpdir(), 'tierplane-templates-'));
  let files: string[] = [];
  beforeAll(() => {
    const env = { ...process.env, CDK_OUTDIR: output, JSII_DEPRECATED: 'quiet' };
    execFileSync(process.execPath, ['bin/cdk.ts'], { cwd: ROOT, env });
    files = readdirSync(output)
      .filter((name) => name.endsWith('.template.json'))
      .map((name) => join(output, name));
  });
  afterAll(() => rmSync(output, { recursive: true }));

  test("have only resources and properties that AWS's own description of its resources has", () => {
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) expect(schemaErrors(JSON.parse(readFileSync(file, 'utf8')) as Template)).toEqual([]);
  });

  describeWithPython('checked by cfn-lint', () => {
    test('have no error', async () => {
      const python = await ensurePython('linter', { progress: (line) => process.stderr.write(`${line}\n`) });
      // W3005: CDK writes a dependency twice.
      const lint = spawnSync(python, ['-c', RUN, '--ignore-checks', 'W3005', '--template', ...files], {
        encoding: 'utf8',
      });
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
