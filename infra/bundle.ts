import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Stage } from 'aws-cdk-lib';
import { type AssetCode, Code } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { allFunctionCode, functionCode } from './function-code.ts';

let codeOfAll: ReadonlyMap<string, string> | undefined;

/**
 * Bundles the entry point of a function with esbuild during synthesis.
 *
 * @param entry its module, without the extension: `control-plane/lambda/api`
 * @param onDemand modules that the entry point imports on demand. Each becomes a file of its own, which a cold start does
 *   not load. @default - none
 */
export function bundle(scope: Construct, entry: string, onDemand: readonly string[] = []): AssetCode {
  // Each synthesis has its own output folder, so two may run at the same time.
  const folder = join(Stage.of(scope)?.assetOutdir ?? '', `bundle.${entry.replace('/lambda/', '.')}`);
  mkdirSync(folder, { recursive: true });
  const names = onDemand.map((module) => basename(module));
  writeFileSync(join(folder, 'index.js'), codeOf(`${entry}.ts`, names));
  for (const module of onDemand) {
    const code = functionCode(`${module}.ts`, { generatesJsonSchema: true });
    writeFileSync(join(folder, `${basename(module)}.js`), code);
  }
  return Code.fromAsset(folder);
}

/** Functions with modules on demand are bundled by themselves, because those modules are not part of their code. */
function codeOf(module: string, onDemand: readonly string[]): string {
  if (onDemand.length > 0) return functionCode(module, { onDemand });
  codeOfAll ??= allFunctionCode();
  return codeOfAll.get(module) ?? functionCode(module);
}
