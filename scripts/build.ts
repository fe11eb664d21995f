import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, extname, join, relative } from 'node:path';
import * as esbuild from 'esbuild';
import { bundleOf } from '../adapters/embedded/runtime/supervisor/bundles.ts';

/**
 * `npm run build [-- --if-stale]`: bundles every folder of services/ that has a server.ts into one self-contained file,
 * dist/services/<name>.cjs, which is all that a task needs. With `--if-stale` it does nothing where no input has changed
 * since. Exit 1 and esbuild's own message if a bundle cannot be made; what was built before is then still there.
 */
const ROOT = join(import.meta.dirname, '..');
const OUTPUT = join(ROOT, 'dist', 'services');
const MANIFEST = join(ROOT, 'dist', 'services.json');

/** What the last build was made of. */
interface Manifest {
  /** Everything that is not one of our sources: this script, the lock file, esbuild's version, the services' names. */
  readonly basis: string;
  /** SHA-256 of each source of ours, by its path from the root. */
  readonly sources: Readonly<Record<string, string>>;
}

/** See undici-core.js and no-http2.js. */
const lessThanAll: esbuild.Plugin = {
  name: 'less-than-all',
  setup: ({ onResolve }) => {
    onResolve({ filter: /^undici$/ }, () => ({ path: join(import.meta.dirname, 'undici-core.js') }));
    onResolve({ filter: /^(node:)?http2$/ }, () => ({ path: join(import.meta.dirname, 'no-http2.js') }));
  },
};

/** Packages of Fastify's that it loads on demand, and our services never make it (the kit says how). */
const NEVER_LOADED = ['@fastify/ajv-compiler', '@fastify/fast-json-stringify-compiler', 'light-my-request'];

async function build(services: readonly string[]): Promise<void> {
  const started = performance.now();
  const { metafile } = await esbuild.build({
    absWorkingDir: ROOT,
    entryPoints: Object.fromEntries(services.map((name) => [name, `services/${name}/server.ts`])),
    outdir: OUTPUT,
    bundle: true,
    platform: 'node',
    target: 'node24',
    // An ES module that imports node:http has Node load its fetch, too: 10 MB and 40 ms a task.
    format: 'cjs',
    outExtension: { '.js': extname(bundleOf(OUTPUT, 'any')) },
    external: NEVER_LOADED,
    plugins: [lessThanAll],
    // Less source to hold and scan; names stay, for stack traces.
    minifyWhitespace: true,
    legalComments: 'none',
    metafile: true,
    logLevel: 'error',
  });
  removeLeftOvers(services);
  const ours = Object.keys(metafile.inputs).filter((path) => !path.startsWith('node_modules/'));
  const sources = Object.fromEntries(ours.sort().map((path) => [path, digestOf(join(ROOT, path))]));
  writeFileSync(MANIFEST, `${JSON.stringify({ basis: basisOf(services), sources } satisfies Manifest, null, 2)}\n`);
  const sizes = services.map((name) => `${name} ${sizeOf(metafile, name)} KB`).join(', ');
  process.stderr.write(`built ${sizes} in ${Math.round(performance.now() - started)} ms\n`);
}

function isStale(services: readonly string[]): boolean {
  if (!existsSync(MANIFEST) || services.some((name) => !existsSync(bundleOf(OUTPUT, name)))) return true;
  try {
    const { basis, sources } = JSON.parse(readFileSync(MANIFEST, 'utf8')) as Manifest;
    return (
      basis !== basisOf(services) || Object.entries(sources).some(([path, digest]) => currentDigest(path) !== digest)
    );
  } catch {
    // A manifest that cannot be read tells nothing.
    return true;
  }
}

function basisOf(services: readonly string[]): string {
  const parts = [
    esbuild.version,
    digestOf(join(ROOT, 'package-lock.json')),
    digestOf(import.meta.filename),
    ...services,
  ];
  return createHash('sha256').update(parts.join('\n')).digest('hex');
}

function currentDigest(path: string): string | undefined {
  const file = join(ROOT, path);
  return existsSync(file) ? digestOf(file) : undefined;
}

function digestOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

function sizeOf(metafile: esbuild.Metafile, name: string): number {
  return Math.round((metafile.outputs[relative(ROOT, bundleOf(OUTPUT, name))]?.bytes ?? 0) / 1024);
}

/** Bundles of services that are gone. */
function removeLeftOvers(services: readonly string[]): void {
  for (const file of readdirSync(OUTPUT)) {
    if (!services.some((name) => file === basename(bundleOf(OUTPUT, name))))
      rmSync(join(OUTPUT, file), { recursive: true });
  }
}

const services = readdirSync(join(ROOT, 'services'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(join(ROOT, 'services', entry.name, 'server.ts')))
  .map((entry) => entry.name)
  // The kit's server.ts is the wiring that the others share, not a service.
  .filter((name) => name !== 'kit')
  .sort();

if (!process.argv.includes('--if-stale') || isStale(services)) {
  try {
    mkdirSync(OUTPUT, { recursive: true });
    await build(services);
  } catch (error) {
    // esbuild has told the faults of the sources itself.
    if (!(error instanceof Error && 'errors' in error)) throw error;
    process.stderr.write('build failed: the services could not be bundled\n');
    process.exitCode = 1;
  }
}
