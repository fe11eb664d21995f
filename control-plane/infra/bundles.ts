import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Stage } from 'aws-cdk-lib';
import { type AssetCode, Code } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { functionCode } from './function-code.ts';

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

/** Bundles an entry point of control-plane/lambda with esbuild during synthesis. */
export function bundle(scope: Construct, name: BundleName): AssetCode {
  // Each synthesis has its own output folder, so two may run at the same time.
  const folder = join(Stage.of(scope)?.assetOutdir ?? '', `bundle.${name}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'index.js'),
    functionCode(
      `control-plane/lambda/${name}.ts`,
      ON_DEMAND[name].map((module) => basename(module)),
    ),
  );
  for (const module of ON_DEMAND[name]) {
    writeFileSync(join(folder, `${basename(module)}.js`), functionCode(`control-plane/${module}.ts`));
  }
  return Code.fromAsset(folder);
}
