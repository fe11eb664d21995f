import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, jest, test } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../../..');
jest.setTimeout(120_000);

const OUTPUT = mkdtempSync(join(tmpdir(), 'tierplane-cdk-'));
afterAll(() => rmSync(OUTPUT, { recursive: true }));

const STACK = `
  import { App, Stack } from 'aws-cdk-lib';
  import { Code, Function as LambdaFunction, LayerVersion, Runtime } from 'aws-cdk-lib/aws-lambda';
  import { SbtFunctions } from './control-plane/infra/sbt-functions.ts';
  const app = new App({ outdir: process.env.OUTPUT });
  const stack = new Stack(app, 'stack');
  const python = (id) => new LambdaFunction(stack, id, {
    runtime: Runtime.PYTHON_3_12, handler: 'index.handler', code: Code.fromInline('x'),
  });
  const swap = (replacements) => new SbtFunctions(stack, 'Swap', { replacements, environment: {}, logRetention: 90 });
  const row = { path: '/Gone', code: Code.fromInline('x'), description: '', statements: [] };
`;

/** The error of creating such a stack. It runs in a process of its own, because Jest loads CDK slowly. */
function errorOf(lines: string): string {
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', STACK + lines], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { NODE_NO_WARNINGS: '1', JSII_DEPRECATED: 'quiet', OUTPUT },
  });
  return status === 0 ? '' : (/Error: (.*)/.exec(stderr)?.[1] ?? stderr);
}

describe("the replacements of SBT's functions", () => {
  test.each([
    ["python('Unknown'); swap({});", "SBT's function stack/Unknown has no replacement"],
    ['swap({ gone: row });', 'SBT has no function /Gone'],
    ["swap({}); python('Later'); app.synth();", 'stack/Later/Resource runs Python; it must have a replacement'],
    [
      "swap({}); new LayerVersion(stack, 'Layer', { code: Code.fromAsset('core') }); app.synth();",
      'stack/Layer/Resource is a layer; functions must not use layers',
    ],
    ['swap({}); app.synth();', ''],
  ])('synthesis of %j fails with %j', (lines, error) => {
    expect(errorOf(lines)).toBe(error);
  });
});
