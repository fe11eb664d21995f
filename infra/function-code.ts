import { join } from 'node:path';
import { buildSync } from 'esbuild';

const ROOT = join(import.meta.dirname, '..');

/**
 * The code of a Lambda function: a module with all that it imports, as one CommonJS file. The AWS SDK is not bundled, because
 * Lambda's runtime contains it, and only CommonJS modules find it there.
 *
 * @param module path from the project's root, such as `app-plane/lambda/tenant-users.ts`
 * @param onDemand names of modules that the code imports on demand and that are files of their own. @default - none
 */
export function functionCode(module: string, onDemand: readonly string[] = []): string {
  const { outputFiles } = buildSync({
    absWorkingDir: ROOT,
    entryPoints: [module],
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
