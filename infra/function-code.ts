import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type BuildOptions, buildSync } from 'esbuild';
import { withZodForFunctions } from './zod-for-functions.ts';

const ROOT = join(import.meta.dirname, '..');
const ENTRY_FOLDERS = ['app-plane/lambda', 'control-plane/lambda'];
const EXPORTS_HANDLER = /^export (?:const|async function) handler\b/m;

/** How a function is bundled: as one CommonJS file for Lambda's Node. */
export const FUNCTION_BUNDLE = {
  absWorkingDir: ROOT,
  write: false,
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'error',
} satisfies BuildOptions;
const EXTERNAL = ['@aws-sdk/*', '@smithy/*'];

export interface FunctionCodeOptions {
  /** Names of modules that the code imports on demand and that are files of their own. @default - none */
  readonly onDemand?: readonly string[];
  /** Whether the code generates JSON Schema, which describes APIs. @default false */
  readonly generatesJsonSchema?: boolean;
}

/**
 * The code of a Lambda function: a module with all that it imports, as one CommonJS file. The AWS SDK is not bundled, because
 * Lambda's runtime contains it, and only CommonJS modules find it there.
 *
 * @param module path from the project's root, such as `app-plane/lambda/tenant-users.ts`
 */
export function functionCode(
  module: string,
  { onDemand = [], generatesJsonSchema = false }: FunctionCodeOptions = {},
): string {
  const options = {
    ...FUNCTION_BUNDLE,
    entryPoints: [module],
    external: [...EXTERNAL, ...onDemand.map((one) => `*/${one}.ts`)],
  };
  const { outputFiles } = generatesJsonSchema ? buildSync<InMemory>(options) : buildWithoutJsonSchema(options);
  // esbuild keeps the paths of external modules as they are written in the source.
  return onDemand.reduce(
    (code, one) => code.replaceAll(`./${one}.ts`, `./${one}.js`),
    outputFiles.map(({ text }) => text).join(''),
  );
}

/**
 * The code of all functions of both planes, by path of their module from the project's root. Bundling them together takes a
 * third of the time: esbuild reads what they share once, and works on them in parallel.
 */
export function allFunctionCode(): ReadonlyMap<string, string> {
  const { outputFiles } = buildWithoutJsonSchema({
    ...FUNCTION_BUNDLE,
    entryPoints: ENTRY_FOLDERS.flatMap(entriesIn),
    external: EXTERNAL,
    outdir: ROOT,
    outbase: ROOT,
  });
  return new Map(outputFiles.map(({ path, text }) => [relative(ROOT, path).replace(/\.js$/, '.ts'), text]));
}

type InMemory = BuildOptions & { readonly write: false };

function buildWithoutJsonSchema(options: InMemory) {
  return withZodForFunctions((zod) => buildSync<InMemory>({ ...options, alias: { zod } }));
}

function entriesIn(folder: string): string[] {
  const modules = readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`);
  return modules.filter((module) => EXPORTS_HANDLER.test(readFileSync(join(ROOT, module), 'utf8')));
}
