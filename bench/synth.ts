import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { FUNCTION_BUNDLE } from '../infra/function-code.ts';
import { figure, type Measured, percentile, round, type Yardstick } from './figure.ts';
import { oncePer } from './once-per.ts';
import { ROOT } from './processes.ts';
import type { Run } from './run.ts';
import { outputOf, scratchFolder } from './scratch.ts';

const ROUNDS = { quick: 1, full: 3 };
const KB = 1_000;
const BUNDLE_FOLDER = /^bundle\.(.+)$/;
const EMPTY_APP = `
  const { App, Stack } = require('aws-cdk-lib');
  const app = new App();
  new Stack(app, 'empty');
  app.synth();
`;

/** Synthesis of the control-plane stack with the command in cdk.json, including the bundles. */
export async function synth(run: Run): Promise<Measured> {
  const { seconds } = await synthesized(run);
  const empty = await emptySynth(run);
  return { figure: figure('synth', seconds, 's', empty, { atMost: 5 }) };
}

/** The largest bundle of a Lambda function, compared with the same bundle including the AWS SDK. */
export async function lambdaBundle(run: Run): Promise<Measured> {
  const { bundles } = await synthesized(run);
  const [largest] = bundles;
  if (!largest) throw new Error('the synthesis created no bundle');
  const yardstick = {
    name: `the same (${largest.name}) with the AWS SDK inside`,
    value: (await bytesWithSdk(largest.name)) / KB,
    unit: 'KB',
  };
  return {
    figure: figure('lambda-bundle', largest.bytes / KB, 'KB', yardstick, { atMost: 200 }),
    remarks: bundles.map(({ name, bytes }) => `${name}: ${round(bytes / KB)} KB`),
  };
}

interface Synthesis {
  /** The median of all rounds. */
  readonly seconds: number;
  /** Largest first. */
  readonly bundles: readonly { readonly name: string; readonly bytes: number }[];
}

const synthesized = oncePer(async ({ sizes }: Run): Promise<Synthesis> => {
  const { app } = JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8')) as { app: string };
  const times: number[] = [];
  let bundles: Synthesis['bundles'] = [];
  for (let n = 0; n < (sizes.quick ? ROUNDS.quick : ROUNDS.full); n++) {
    const output = scratchFolder();
    times.push(await secondsOf('sh', ['-c', app], output.path));
    bundles = bundlesIn(output.path);
    await output.remove();
  }
  return { seconds: percentile(times, 0.5), bundles };
});

/** Synthesis of a CDK app with one empty stack. */
async function emptySynth({ sizes }: Run): Promise<Yardstick> {
  const times: number[] = [];
  for (let n = 0; n < (sizes.quick ? ROUNDS.quick : ROUNDS.full); n++) {
    const output = scratchFolder();
    times.push(await secondsOf(process.execPath, ['--input-type=commonjs', '-e', EMPTY_APP], output.path));
    await output.remove();
  }
  return { name: 'synthesis of an empty CDK app', value: percentile(times, 0.5), unit: 's' };
}

async function secondsOf(command: string, args: readonly string[], outputFolder: string): Promise<number> {
  const PATH = `${dirname(process.execPath)}:${process.env.PATH}`;
  const env = { ...process.env, PATH, CDK_OUTDIR: outputFolder, JSII_DEPRECATED: 'quiet' };
  const started = performance.now();
  await outputOf(command, args, { cwd: ROOT, env });
  return (performance.now() - started) / 1000;
}

function bundlesIn(output: string): Synthesis['bundles'] {
  return readdirSync(output)
    .flatMap((folder) => {
      const name = BUNDLE_FOLDER.exec(folder)?.[1];
      return name === undefined ? [] : [{ name, bytes: statSync(join(output, folder, 'index.js')).size }];
    })
    .sort((a, b) => b.bytes - a.bytes);
}

async function bytesWithSdk(name: string): Promise<number> {
  const { outputFiles } = await build({
    ...FUNCTION_BUNDLE,
    entryPoints: [`${name.replace('.', '/lambda/')}.ts`],
  });
  return outputFiles[0]?.contents.byteLength ?? Number.NaN;
}
