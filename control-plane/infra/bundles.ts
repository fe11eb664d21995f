import { join } from 'node:path';
import { Stage } from 'aws-cdk-lib';
import { type AssetCode, Code } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { buildSync } from 'esbuild';

const ROOT = join(import.meta.dirname, '..', '..');

/** Folder control-plane/lambda: one bundle an entry. */
export type BundleName = 'api' | 'create-admin' | 'publish-outbox';

/**
 * Bundles one entry of control-plane/lambda, at synthesis and without any other tool than esbuild. The SDK is the
 * runtime's own, so the output is CommonJS: only that looks for it outside the bundle.
 */
export function bundle(scope: Construct, name: BundleName): AssetCode {
  // Beside the template: each synthesis has its own, also where two run at once.
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
