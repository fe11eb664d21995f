import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { describeControlPlane } from '../../control-plane/api/description/control-plane-document.ts';
import { createOperations } from '../../control-plane/api/operations.ts';
import { allFunctionCode, type FunctionCodeOptions, functionCode } from '../../infra/function-code.ts';

/** Bundles a module and loads it, as Lambda does. */
function loaded(module: string, options: FunctionCodeOptions): Record<string, (...args: unknown[]) => unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'bundle-'));
  const file = join(folder, 'index.cjs');
  writeFileSync(file, functionCode(module, options));
  try {
    return createRequire(import.meta.url)(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('functions that are bundled together have the code that each has by itself', () => {
  const all = allFunctionCode();
  expect(all.size).toBeGreaterThanOrEqual(10);
  for (const module of ['app-plane/lambda/authorizer.ts', 'control-plane/lambda/publish-outbox.ts']) {
    expect(all.get(module)).toBe(functionCode(module));
  }
});

test('the schemas of a function are described as the same schemas are elsewhere, by a module that the function loads on demand', () => {
  const onDemand = ['control-plane-document'];
  const operations = loaded('control-plane/api/operations.ts', { onDemand }).createOperations?.();
  const document = 'control-plane/api/description/control-plane-document.ts';
  const described = loaded(document, { generatesJsonSchema: true }).describeControlPlane?.(operations, '');
  expect(described).toEqual(describeControlPlane(createOperations(), ''));
});

test('a function does not contain the code that generates JSON Schema', () => {
  const module = 'control-plane/api/description/control-plane-document.ts';
  const describe = loaded(module, {}).describeControlPlane;
  expect(() => describe?.(createOperations(), '')).toThrow('no JSON Schema here');
});
