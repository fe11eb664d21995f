import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { version as esbuildVersion } from 'esbuild';
import { type Bundle, bundleAll, DIST, ROOT, serviceNames } from './bundle.ts';
import { thirdPartyNotices } from './third-party-notices.ts';

/**
 * `npm run build [-- --if-stale]`: bundles the command line and the platform, the gateway, the agent and every service
 * of both homes into self-contained CommonJS files in dist/, which is all that runs. With `--if-stale` it does nothing if no input has
 * changed since the last build. Exit code 1, with esbuild's message, if a bundle cannot be made; the last build then stays.
 */
const MANIFEST = join(DIST, 'build.json');
const NOTICES = join(DIST, 'THIRD-PARTY-NOTICES.txt');

/** What the last build was made of. */
interface Manifest {
  /** Digest of everything but our sources: the build scripts, the lock file, esbuild's version, the services' names. */
  readonly basis: string;
  /** SHA-256 of each source of ours, by its path from the root. */
  readonly sources: Readonly<Record<string, string>>;
  /** Paths from the root of all files made. */
  readonly outputs: readonly string[];
}

async function build(): Promise<void> {
  const started = performance.now();
  const { bundles, inputs } = await bundleAll();
  for (const { path, contents } of bundles) writeIfChanged(join(ROOT, path), contents);
  writeIfChanged(NOTICES, Buffer.from(thirdPartyNotices(ROOT, inputs)));
  removeOthers(bundles);
  const ours = inputs.filter((path) => !path.startsWith('node_modules/'));
  const manifest: Manifest = {
    basis: basis(),
    sources: Object.fromEntries(ours.map((path) => [path, digestOf(join(ROOT, path))])),
    outputs: bundles.map(({ path }) => path),
  };
  writeIfChanged(MANIFEST, Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
  // bin/tierplane compares the manifest's time with the sources'.
  touch(MANIFEST);
  process.stderr.write(
    `built ${bundles.map(inKilobytes).join(', ')} in ${Math.round(performance.now() - started)} ms\n`,
  );
}

/** Replaces a file as a whole. An unchanged bundle keeps its time, and with it the code caches made for it. */
function writeIfChanged(file: string, contents: Uint8Array): void {
  if (existsSync(file) && readFileSync(file).equals(contents)) return;
  mkdirSync(dirname(file), { recursive: true });
  const complete = `${file}.${process.pid}`;
  writeFileSync(complete, contents);
  renameSync(complete, file);
}

function isStale(): boolean {
  try {
    const manifest = JSON.parse(readFileSync(MANIFEST, 'utf8')) as Manifest;
    return (
      manifest.basis !== basis() ||
      manifest.outputs.some((path) => !existsSync(join(ROOT, path))) ||
      Object.entries(manifest.sources).some(([path, digest]) => currentDigest(path) !== digest)
    );
  } catch {
    // No build yet, or a manifest that cannot be read.
    return true;
  }
}

function basis(): string {
  const scripts = readdirSync(import.meta.dirname).filter((name) => /\.[jt]s$/.test(name));
  const files = [...scripts.map((name) => join(import.meta.dirname, name)), join(ROOT, 'package-lock.json')];
  const parts = [
    esbuildVersion,
    ...files.map(digestOf),
    ...serviceNames('server.ts'),
    ...serviceNames('server-aws.ts'),
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

function touch(file: string): void {
  const now = new Date();
  utimesSync(file, now, now);
}

function inKilobytes({ path, contents }: Bundle): string {
  return `${relative(DIST, join(ROOT, path)).replace(/\.cjs$/, '')} ${Math.round(contents.byteLength / 1024)} KB`;
}

/** Removes bundles of services that no longer exist, and what earlier versions of this script made. */
function removeOthers(bundles: readonly Bundle[]): void {
  const keep = new Set([MANIFEST, NOTICES, ...bundles.map(({ path }) => join(ROOT, path))]);
  for (const folder of [DIST, join(DIST, 'services'), join(DIST, 'aws')]) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isFile() && !keep.has(path)) rmSync(path, { force: true });
    }
  }
}

if (!process.argv.includes('--if-stale') || isStale()) {
  try {
    await build();
  } catch (error) {
    // esbuild has printed the errors of the sources.
    if (!(error instanceof Error && 'errors' in error)) throw error;
    process.stderr.write('build failed\n');
    process.exitCode = 1;
  }
} else {
  touch(MANIFEST);
}
