import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Stage } from 'aws-cdk-lib';
import { type AssetCode, Code } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { buildSync } from 'esbuild';

const ROOT = join(import.meta.dirname, '..', '..');

/** An entry point in control-plane/lambda. */
export type BundleName = 'api' | 'create-admin' | 'publish-outbox';

/**
 * Modules of control-plane that the code of an entry point imports on demand. Each becomes a file of its own, which a cold
 * start does not load.
 */
const ON_DEMAND: Readonly<Record<BundleName, readonly string[]>> = {
  api: ['lambda/docs-page', 'api/description/control-plane-document'],
  'create-admin': [],
  'publish-outbox': [],
};

/**
 * Bundles an entry point of control-plane/lambda with esbuild during synthesis. The AWS SDK is not bundled: Lambda's runtime
 * contains it, and only CommonJS modules find it there.
 */
export function bundle(scope: Construct, name: BundleName): AssetCode {
  // Each synthesis has its own output folder, so two may run at the same time.
  const folder = join(Stage.of(scope)?.assetOutdir ?? '', `bundle.${name}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'index.js'),
    bundled(
      `lambda/${name}`,
      ON_DEMAND[name].map((module) => basename(module)),
    ),
  );
  for (const module of ON_DEMAND[name]) writeFileSync(join(folder, `${basename(module)}.js`), bundled(module, []));
  return Code.fromAsset(folder);
}

/** The code of a module of control-plane with all that it imports, except for the files named in `onDemand`. */
function bundled(module: string, onDemand: readonly string[]): string {
  const { outputFiles } = buildSync({
    absWorkingDir: ROOT,
    entryPoints: [`control-plane/${module}.ts`],
    write: false,
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    external: ['@aws-sdk/*', '@smithy/*', ...onDemand.map((one) => `*/${one}.ts`)],
    legalComments: 'none',
    logLevel: 'error',
  });
  // esbuild keeps the paths of external modules as they are written in the source.
  return onDemand.reduce(
    (code, one) => code.replaceAll(`./${one}.ts`, `./${one}.js`),
    outputFiles.map(({ text }) => text).join(''),
  );
}
