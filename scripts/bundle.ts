import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import * as esbuild from 'esbuild';

export const ROOT = join(import.meta.dirname, '..');
export const DIST = join(ROOT, 'dist');

/** Entry points of the program by the name of their bundle: dist/<name>.cjs. */
const PROGRAM = {
  tierplane: 'bin/tierplane.ts',
  gateway: 'app-plane/gateway/server.ts',
  agent: 'adapters/embedded/runtime/supervisor/agent.ts',
};

/** Modules that are loaded only where they are needed, each in its own bundle (undici: 1.7 MB; the AWS SDK of `--aws`). */
const ON_DEMAND: Readonly<Record<string, string>> = {
  'undici-upstream': 'app-plane/gateway/upstream/undici/undici-upstream.ts',
  'aws-addresses': 'adapters/aws/installation/addresses.ts',
};

/** A bundle in memory. */
export interface Bundle {
  /** Path from the root, with forward slashes. */
  readonly path: string;
  readonly contents: Uint8Array;
}

export interface Bundles {
  readonly bundles: readonly Bundle[];
  /** Every file that went into a bundle, as a path from the root, sorted. */
  readonly inputs: readonly string[];
}

/** CommonJS starts faster and takes less memory than ES modules: those make Node load its own fetch. */
const COMMON = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  legalComments: 'none',
  metafile: true,
  write: false,
  logLevel: 'error',
} satisfies esbuild.BuildOptions;

/** Leaves out unused parts of packages; see undici-core.js and no-http2.js. */
const withoutUnused: esbuild.Plugin = {
  name: 'without-unused',
  setup: ({ onResolve }) => {
    onResolve({ filter: /^undici$/ }, () => ({ path: join(import.meta.dirname, 'undici-core.js') }));
    onResolve({ filter: /^(node:)?http2$/ }, () => ({ path: join(import.meta.dirname, 'no-http2.js') }));
  },
};

/** Leaves `import('...')` of a module in ON_DEMAND as an import of its bundle. */
const onDemand: esbuild.Plugin = {
  name: 'on-demand',
  setup: ({ onResolve }) => {
    onResolve({ filter: /^\./ }, ({ kind, path, resolveDir }) => {
      const file = relative(ROOT, join(resolveDir, path));
      const name = Object.keys(ON_DEMAND).find((one) => ON_DEMAND[one] === file);
      return kind === 'dynamic-import' && name !== undefined ? { path: `./${name}.cjs`, external: true } : undefined;
    });
  },
};

/** Packages that Fastify loads on demand and our services never need; see NO_COMPILERS in services/kit/service.ts. */
const NEVER_LOADED = ['@fastify/ajv-compiler', '@fastify/fast-json-stringify-compiler', 'light-my-request'];

/** The entry point of a service in each home. */
export type ServiceEntry = 'server.ts' | 'server-aws.ts';

/** Every folder of services/ with this entry point, except the kit's, which is shared wiring. */
export function serviceNames(entry: ServiceEntry): string[] {
  return readdirSync(join(ROOT, 'services'), { withFileTypes: true })
    .filter((folder) => folder.isDirectory() && existsSync(join(ROOT, 'services', folder.name, entry)))
    .map((folder) => folder.name)
    .filter((name) => name !== 'kit')
    .sort();
}

/** Bundles the program and every service. Throws esbuild's error, which esbuild has printed. */
export async function bundleAll(): Promise<Bundles> {
  const builds = await Promise.all([bundleProgram(), bundleServices(), bundleContainers()]);
  const bundles = builds.flatMap(({ outputFiles }) =>
    outputFiles.map(({ path, contents }) => ({ path: relative(ROOT, path), contents })),
  );
  const inputs = new Set(builds.flatMap(({ metafile }) => Object.keys(metafile.inputs)));
  return { bundles, inputs: [...inputs].sort() };
}

/** Not minified, so that a stack trace shows real lines. */
function bundleProgram() {
  return esbuild.build({
    ...COMMON,
    entryPoints: { ...PROGRAM, ...ON_DEMAND },
    outdir: DIST,
    plugins: [withoutUnused, onDemand],
    define: { 'import.meta.url': 'importMetaUrl', 'import.meta.filename': '__filename' },
    banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
  });
}

function bundleServices() {
  return esbuild.build({
    ...COMMON,
    entryPoints: entryPoints('server.ts'),
    outdir: join(DIST, 'services'),
    external: NEVER_LOADED,
    plugins: [withoutUnused],
    // A task holds and scans less source. Names stay, for stack traces.
    minifyWhitespace: true,
  });
}

/** The containers on AWS: everything in one file, the AWS SDK included. */
const CONTAINER = {
  ...COMMON,
  external: NEVER_LOADED,
  plugins: [withoutUnused],
  minifyWhitespace: true,
  minifySyntax: true,
} satisfies esbuild.BuildOptions;

/** Services and ingress: dist/aws/<name>.cjs. */
function bundleContainers() {
  return esbuild.build({
    ...CONTAINER,
    entryPoints: { ...entryPoints('server-aws.ts'), ingress: 'app-plane/ingress/server.ts' },
    outdir: join(DIST, 'aws'),
  });
}

/** Writes the bundle of another container's entry point. @param define values of global names, as JSON */
export async function bundleContainer(
  entryPoint: string,
  { outfile, define = {} }: { readonly outfile: string; readonly define?: Readonly<Record<string, string>> },
): Promise<void> {
  const { outExtension: _, ...options } = CONTAINER;
  await esbuild.build({ ...options, entryPoints: [entryPoint], outfile, define, write: true });
}

function entryPoints(entry: ServiceEntry): Record<string, string> {
  return Object.fromEntries(serviceNames(entry).map((name) => [name, `services/${name}/${entry}`]));
}
