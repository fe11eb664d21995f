import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
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

/** The whole synthesis of the control plane's stack, by the command of cdk.json, bundles included. */
export async function synth(run: Run): Promise<Measured> {
  const { seconds } = await synthesized(run);
  const empty = await emptySynth(run);
  return { figure: figure('synth', seconds, 's', empty, { atMost: 5 }) };
}

/** The largest bundle of a Lambda function, beside the same one with the SDK that it leaves to the runtime. */
export async function lambdaBundle(run: Run): Promise<Measured> {
  const { bundles } = await synthesized(run);
  const [largest] = bundles;
  if (!largest) throw new Error('the synthesis made no bundle');
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
  /** The middle of all rounds. */
  readonly seconds: number;
  /** The largest first. */
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

/** An app of the CDK with one stack and nothing in it. */
async function emptySynth({ sizes }: Run): Promise<Yardstick> {
  const times: number[] = [];
  for (let n = 0; n < (sizes.quick ? ROUNDS.quick : ROUNDS.full); n++) {
    const output = scratchFolder();
    times.push(await secondsOf(process.execPath, ['--input-type=commonjs', '-e', EMPTY_APP], output.path));
    await output.remove();
  }
  return { name: 'an empty CDK app is synthesized', value: percentile(times, 0.5), unit: 's' };
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
    absWorkingDir: ROOT,
    entryPoints: [`control-plane/lambda/${name}.ts`],
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    legalComments: 'none',
    logLevel: 'error',
    write: false,
  });
  return outputFiles[0]?.contents.byteLength ?? Number.NaN;
}
