import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const EXPORTED = /^export (?:const|function) (\w+)/gm;

/**
 * A copy of zod that generates no JSON Schema by itself. Every schema refers to the code that does, so no bundler leaves
 * it out of a function: 18 KB, which only the module that describes an API needs. That module brings the code, and the schemas
 * of this copy use it.
 * @param build gets the path of the copy's entry point. The copy is removed afterwards
 */
export function withZodForFunctions<T>(build: (zod: string) => T): T {
  const copy = copyZod();
  try {
    return build(join(copy, 'index.js'));
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function copyZod(): string {
  const zod = dirname(fileURLToPath(import.meta.resolve('zod')));
  const copy = mkdtempSync(join(tmpdir(), 'zod-for-functions-'));
  for (const part of ['package.json', 'index.js', 'v4/classic', 'v4/core', 'v4/locales']) {
    const isUsed = (file: string) => !/\.(?:cjs|[cm]?ts)$/.test(extname(file));
    cpSync(join(zod, part), join(copy, part), { recursive: true, filter: isUsed });
  }
  const core = join(copy, 'v4', 'core');
  replaceModule(join(core, 'json-schema-processors.js'), (name) =>
    name.endsWith('Processor') ? 'delegate' : 'refuse',
  );
  replaceModule(join(core, 'to-json-schema.js'), (name) => (/^create\w+Method$/.test(name) ? 'method' : 'refuse'));
  return copy;
}

/** `delegate` calls the code of whoever generates the JSON Schema. */
const STAND_INS = `
const refuse = () => { throw new Error('no JSON Schema here'); };
const method = () => refuse;
const delegate = (schema, ctx, ...rest) => ctx.processors[schema._zod.def.type](schema, ctx, ...rest);
`;

/** Replaces a module by one that exports the same names. */
function replaceModule(path: string, standInOf: (name: string) => string): void {
  const names = [...readFileSync(path, 'utf8').matchAll(EXPORTED)].map(([, name = '']) => name);
  const exported = names.map((name) => `${standInOf(name)} as ${name}`);
  writeFileSync(path, `${STAND_INS}export { ${exported.join(', ')} };\n`);
}
