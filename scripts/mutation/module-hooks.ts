import { readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Loads the modules below one folder again for every generation. Packages and Node's own modules are loaded once. */
export interface FreshModules {
  /** Imports a file with new instances of every module of the folder that it reaches. */
  load(file: string): Promise<unknown>;
}

/** Replaces `@jest/globals` by the module at `globals` and takes modules of `folder` from a fresh generation. */
export function freshModules(folder: string, globals: string): FreshModules {
  const base = pathToFileURL(`${folder}/`).href;
  const stripped = new Map<string, string>();
  let generation = 0;
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === '@jest/globals') return { url: globals, shortCircuit: true };
      const resolved = next(specifier, context);
      if (!isOurs(resolved.url, base)) return resolved;
      // A module that imports late stays in the generation that it belongs to.
      const parent = /\?generation=\d+$/.exec(context.parentURL ?? '')?.[0];
      return { ...resolved, url: resolved.url + (parent ?? `?generation=${generation}`) };
    },
    load(url, context, next) {
      if (!isOurs(url, base) || !/\.ts\?/.test(url)) return next(url, context);
      const file = fileURLToPath(url.replace(/\?.*$/, ''));
      const source = stripped.get(file) ?? stripTypeScriptTypes(readFileSync(file, 'utf8'));
      stripped.set(file, source);
      return { format: 'module', source, shortCircuit: true };
    },
  });
  return {
    load: (file) => {
      generation += 1;
      return import(`${pathToFileURL(file).href}?generation=${generation}`);
    },
  };
}

function isOurs(url: string, base: string): boolean {
  return url.startsWith(base) && !url.includes('/node_modules/');
}
