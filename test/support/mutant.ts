import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';

const ROOT = join(import.meta.dirname, '../..');
/** Within the project, so that packages are found. */
const FOLDER = join(ROOT, 'node_modules', '.cache', 'tierplane', 'mutants');

/** One place of the source that is different in a copy. */
export interface Mutation {
  /** From the project's root. */
  readonly file: string;
  /** Text that the file contains once. */
  readonly find: string;
  readonly replace: string;
}

/**
 * Loads a copy of modules of the project, and of all that they import, with these changes. Packages are not copied.
 * @param modules paths from the project's root
 * @returns the exports of all modules
 * @throws Error if a file does not contain the text of a mutation exactly once
 */
export async function loadMutant<T>(modules: readonly string[], mutations: readonly Mutation[] = []): Promise<T> {
  const outfile = join(FOLDER, `${randomUUID()}.mjs`);
  const contents = modules.map((module) => `export * from './${module}';`).join('\n');
  const applied = new Set<Mutation>();
  await build({
    stdin: { contents, resolveDir: ROOT, sourcefile: 'mutant.ts' },
    ...{ outfile, bundle: true, platform: 'node', target: 'node24', format: 'esm', packages: 'external' },
    ...{ logLevel: 'silent', plugins: [mutate(mutations, applied)] },
  });
  try {
    const unused = mutations.filter((mutation) => !applied.has(mutation));
    if (unused.length > 0) throw new Error(`the modules do not import ${unused.map(({ file }) => file).join(', ')}`);
    return (await import(pathToFileURL(outfile).href)) as T;
  } finally {
    rmSync(outfile, { force: true });
  }
}

function mutate(mutations: readonly Mutation[], applied: Set<Mutation>): Plugin {
  return {
    name: 'mutate',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const own = mutations.filter(({ file }) => join(ROOT, file) === path);
        if (own.length === 0) return undefined;
        for (const mutation of own) applied.add(mutation);
        return { contents: own.reduce(replaceOnce, readFileSync(path, 'utf8')), loader: 'ts' };
      });
    },
  };
}

function replaceOnce(source: string, { file, find, replace }: Mutation): string {
  const [before = '', after, ...others] = source.split(find);
  if (after === undefined || others.length > 0) throw new Error(`${file} must contain once: ${find}`);
  return before + replace + after;
}
