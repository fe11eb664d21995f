import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import type { OpenApi, OpenApiOperation } from '../../core/http/openapi-document.ts';
import { openApiDocuments } from './documents.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');
const DOCUMENTS = await openApiDocuments();
const NAMES = Object.keys(DOCUMENTS);

function documentOf(name: string): OpenApi {
  const document = DOCUMENTS[name];
  if (!document) throw new Error(`there is no document ${name}`);
  return document;
}

function operationsOf({ paths }: OpenApi): OpenApiOperation[] {
  return Object.values(paths).flatMap((methods) => Object.values(methods));
}

describe('DX-4: the OpenAPI document', () => {
  test.each(NAMES)('of %s is valid by the OpenAPI 3.1 schema', async (name) => {
    const { valid, errors } = await new Validator().validate({ ...structuredClone(documentOf(name)) });
    expect([valid, errors]).toEqual([true, undefined]);
  });

  test('with a wrong type is not valid by the schema that the test uses', async () => {
    const document = { ...documentOf('products'), info: { title: 7 } };
    expect((await new Validator().validate(document)).valid).toBe(false);
  });

  test.each(NAMES)('of %s has a named schema for every JSON response that is an object', (name) => {
    const unnamed = operationsOf(documentOf(name)).flatMap(({ operationId, responses }) =>
      Object.entries(responses).flatMap(([status, { content = {} }]) =>
        Object.entries(content)
          .filter(([type, { schema }]) => type.includes('json') && schema.type === 'object')
          .map(() => `${operationId} ${status}`),
      ),
    );
    expect(unnamed).toEqual([]);
  });

  test.each(NAMES)('of %s declares a success and a refusal with a schema for every operation', (name) => {
    const operations = operationsOf(documentOf(name));
    expect(operations.length).toBeGreaterThan(0);
    for (const { operationId, responses } of operations) {
      const statuses = Object.keys(responses).map(Number);
      expect([operationId, statuses.some((status) => status < 300)]).toEqual([operationId, true]);
      for (const [status, { content }] of Object.entries(responses).filter(([status]) => Number(status) >= 400)) {
        expect([operationId, status, content !== undefined]).toEqual([operationId, status, true]);
      }
    }
  });

  test('names the schemas of the main resources', () => {
    expect(Object.keys(documentOf('control-plane').components.schemas)).toEqual(
      expect.arrayContaining(['Tenant', 'TenantRegistration', 'SystemUser', 'Event', 'DeadLetter', 'ServiceStatus']),
    );
    expect(Object.keys(documentOf('products').components.schemas)).toEqual(
      expect.arrayContaining(['Product', 'Money', 'Problem']),
    );
  });
});

describe('DX-4: a client generator (orval)', () => {
  const dir = mkdtempSync(join(tmpdir(), 'tp-client-'));

  beforeAll(async () => {
    for (const name of NAMES) writeFileSync(join(dir, `${name}.json`), JSON.stringify(documentOf(name)));
    writeFileSync(join(dir, 'orval.config.mjs'), `export default ${JSON.stringify(orvalConfig())}`);
    await run(process.execPath, [join(ROOT, 'node_modules/orval/dist/bin/orval.mjs'), '--config', 'orval.config.mjs'], {
      cwd: dir,
    });
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  function orvalConfig(): object {
    const entries = NAMES.map((name) => [
      name,
      { input: { target: `./${name}.json` }, output: { target: `./${name}.ts`, client: 'fetch', mode: 'single' } },
    ]);
    return Object.fromEntries(entries);
  }

  /** @returns what the compiler reports */
  async function typeCheck(files: readonly string[]): Promise<string> {
    const options = '--noEmit --strict --skipLibCheck --target es2022 --module esnext --moduleResolution bundler';
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    const args = [compiler, ...options.split(' '), '--lib', 'es2022,dom,dom.iterable', ...files];
    return run(process.execPath, args, { cwd: dir }).then(
      ({ stdout }) => stdout,
      (error: { stdout: string }) => error.stdout,
    );
  }

  test.each(NAMES)('makes a client of %s that type-checks', async (name) => {
    expect(await typeCheck([`${name}.ts`])).toBe('');
  });

  test('types the responses by status', async () => {
    const use = `
import { getTenant } from './control-plane';
import { createProduct } from './products';
const tenant = await getTenant('t');
if (tenant.status === 200) {
  const reasons: (string | undefined)[] = tenant.data.data.actions.map(({ reason }) => reason);
  console.log(reasons, tenant.data.data.slug satisfies string);
}
const product = await createProduct({ name: 'n', sku: 's', category: 'c', price: { amount: 1, currency: 'EUR' } });
if (product.status === 409) console.log(product.data.errors.map(({ path }) => path satisfies string));
`;
    writeFileSync(join(dir, 'use.ts'), use);
    writeFileSync(join(dir, 'misuse.ts'), use.replace('data.slug satisfies string', 'data.slug satisfies number'));
    expect(await typeCheck(['use.ts'])).toBe('');
    expect(await typeCheck(['misuse.ts'])).toMatch(/^misuse\.ts\(7,.*TS1360/m);
  });
});
