import { join } from 'node:path';
import { Stage } from 'aws-cdk-lib';
import { type AssetCode, Code } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { buildSync } from 'esbuild';

const ROOT = join(import.meta.dirname, '..', '..');

/** An entry point in control-plane/lambda. */
export type BundleName = 'api' | 'create-admin' | 'publish-outbox';

/**
 * Bundles an entry point of control-plane/lambda with esbuild during synthesis. The AWS SDK is not bundled: Lambda's runtime
 * contains it, and only CommonJS modules find it there.
 */
export function bundle(scope: Construct, name: BundleName): AssetCode {
  // Each synthesis has an output folder of its own, so two may run at the same time.
  const folder = join(Stage.of(scope)?.assetOutdir ?? '', `bundle.${name}`);
  buildSync({
    absWorkingDir: ROOT,
    entryPoints: [`control-plane/lambda/${name}.ts`],
    outfile: join(folder, 'index.js'),
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    external: ['@aws-sdk/*', '@smithy/*'],
    legalComments: 'none',
    logLevel: 'error',
  });
  return Code.fromAsset(folder);
}
