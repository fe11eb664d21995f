import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { isTest, sourceFiles } from './support/source-files.ts';

/** Checks the import rules of docs/architecture.md against the imports in the source. */
const ROOT = join(import.meta.dirname, '..');

interface Import {
  readonly from: string;
  /** A file of the project, or the name of a package. */
  readonly to: string;
  readonly ours: boolean;
  readonly typeOnly: boolean;
}

const STATEMENT =
  /^\s*(?:import|export)\s+(type\s)?[^'"]*?from\s+'([^']+)'|^\s*import\s+'([^']+)'|\bimport\('([^']+)'\)/gm;

function importsOf(file: string): Import[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(STATEMENT)].map(([, typeOnly, from, bare, dynamic]) => {
    const target = from ?? bare ?? dynamic ?? '';
    const ours = target.startsWith('.');
    const to = ours ? relative(ROOT, join(ROOT, dirname(file), target)) : target;
    return { from: file, to, ours, typeOnly: typeOnly !== undefined };
  });
}

const FILES = sourceFiles(/\.ts$/).filter((file) => !isTest(file));
const IMPORTS = FILES.flatMap(importsOf);

const TIER_TABLE = 'tenant-templates/tiers.ts';
/** Composition roots and entry points, which may import adapters. */
const WIRING =
  /^((bin|cli|embedded|bench|rehearsal|scripts)\/.*|services\/[^/]+\/server(-\w+)?\.ts|app-plane\/(gateway|ingress)\/server\.ts|[^/]+\/lambda\/.*)$/;
/** The folders that may import a composition root. */
const USERS_OF_ROOTS: Readonly<Record<string, readonly string[]>> = {
  bin: [],
  cli: ['bin', 'bench', 'scripts'],
  embedded: ['bin', 'cli', 'scripts'],
  bench: [],
  rehearsal: ['bench'],
  scripts: ['rehearsal', 'bench'],
  // The sign-in by pages is a test tool. The benchmarks use it, too: they measure what a browser would do.
  test: ['bench'],
};

/** The project files that a project file may import. The first rule whose `from` matches applies. */
const RULES: readonly { from: RegExp; may: (to: string, from: string) => boolean }[] = [
  { from: WIRING, may: (to, from) => mayUseRoot(to, from) },
  { from: /^core\//, may: (to) => to.startsWith('core/') },
  { from: /^tenant-templates\//, may: (to) => to.startsWith('core/') || to.startsWith('tenant-templates/') },
  {
    from: /^adapters\/(embedded|aws)\//,
    may: (to, from) =>
      to.startsWith('core/') || to.startsWith('adapters/shared/') || sameFolder(to, from, 2) || isPage(to),
  },
  {
    from: /^adapters\/shared\//,
    may: (to) => to.startsWith('core/') || to.startsWith('adapters/shared/') || isPage(to),
  },
  { from: /^services\//, may: (to, from) => isBase(to) || to.startsWith('services/kit/') || sameFolder(to, from, 2) },
  {
    from: /^(infra|[^/]+\/infra)\//,
    may: (to, from) =>
      [/^core\//, /^tenant-templates\//, /^infra\//].some((base) => base.test(to)) || sameFolder(to, from, 2),
  },
  { from: /^control-plane\//, may: (to) => isBase(to) || to.startsWith('control-plane/') },
  {
    from: /^app-plane\/provisioner\//,
    may: (to) => isBase(to) || to.startsWith('app-plane/provisioner/') || to.startsWith('tenant-templates/'),
  },
  { from: /^app-plane\//, may: (to, from) => isBase(to) || sameFolder(to, from, 2) },
  { from: /^web\//, may: (to, from) => to.startsWith('core/') || to === TIER_TABLE || sameFolder(to, from, 1) },
];

function mayUseRoot(to: string, from: string): boolean {
  const users = USERS_OF_ROOTS[topFolder(to)];
  return users === undefined || topFolder(to) === topFolder(from) || users.includes(topFolder(from));
}

function topFolder(path: string): string {
  return path.split('/')[0] ?? '';
}

function isBase(to: string): boolean {
  return to.startsWith('core/') || to === TIER_TABLE;
}

/** Server-rendered pages are pure functions from a model to HTML. */
function isPage(to: string): boolean {
  return to.startsWith('web/pages/');
}

function sameFolder(to: string, from: string, depth: number): boolean {
  return to.split('/').slice(0, depth).join('/') === from.split('/').slice(0, depth).join('/');
}

describe('the import graph', () => {
  test('has files to check', () => {
    expect(IMPORTS.filter((one) => one.ours).length).toBeGreaterThan(50);
  });

  test('keeps the import rules: core imports core, adapters import core, planes and services import no sibling', () => {
    const broken = IMPORTS.filter((one) => one.ours).filter((one) => {
      const rule = RULES.find(({ from }) => from.test(one.from));
      return !rule?.may(one.to, one.from);
    });
    expect(broken.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
  });

  test('lets core import only the schema library, and use no clock, randomness or process', () => {
    const packages = IMPORTS.filter((one) => one.from.startsWith('core/') && !one.ours).map((one) => one.to);
    expect(packages.filter((name) => name !== 'zod')).toEqual([]);
    const impure = FILES.filter((file) => file.startsWith('core/')).filter((file) =>
      /\bprocess\.\w|\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(/.test(readFileSync(join(ROOT, file), 'utf8')),
    );
    expect(impure).toEqual([]);
  });

  test('keeps the AWS SDK, CDK and SBT out of everything that runs embedded', () => {
    const aws = IMPORTS.filter((one) => /^(@aws-sdk|aws-cdk-lib|@cdklabs|constructs)/.test(one.to));
    const allowed =
      /^(adapters\/aws\/|([^/]+\/)?infra\/|[^/]+\/lambda\/|bin\/cdk\.ts|tenant-templates\/|rehearsal\/|bench\/aws-|scripts\/(aws|cleanup)\/)/;
    expect(aws.filter((one) => !allowed.test(one.from))).toEqual([]);
  });

  test('loads the AWS adapter of the command line only for --aws', () => {
    const users = IMPORTS.filter(({ from, to }) => /^(cli|embedded)\//.test(from) && to.startsWith('adapters/aws/'));
    expect(users.filter(({ typeOnly }) => !typeOnly).map(({ from }) => from)).toEqual(['cli/aws.ts']);
    const source = readFileSync(join(ROOT, 'cli/aws.ts'), 'utf8');
    expect(source).toContain("await import('../adapters/aws/installation/addresses.ts')");
    expect(source).not.toMatch(/^import (?!type).*adapters\/aws/m);
    expect(readFileSync(join(ROOT, 'dist/tierplane.cjs'), 'utf8')).not.toContain('client-cloudformation');
  });

  test("keeps node:http, which loads Node's fetch, out of gateway and agents", () => {
    const eager = IMPORTS.filter(
      ({ from, to, typeOnly }) =>
        /^(app-plane\/gateway|adapters\/(embedded|shared))\//.test(from) && /^node:https?$/.test(to) && !typeOnly,
    );
    expect(eager.map(({ from }) => from)).toEqual([]);
  });

  test('loads undici in the gateway only where its switch imports it', () => {
    const gateway = IMPORTS.filter(({ from, typeOnly }) => from.startsWith('app-plane/gateway/') && !typeOnly);
    const folder = 'app-plane/gateway/upstream/undici/';
    expect(gateway.filter(({ to }) => to === 'undici').map(({ from }) => from)).toEqual([
      `${folder}undici-upstream.ts`,
    ]);
    const users = gateway.filter(({ from, to }) => to.startsWith(folder) && !from.startsWith(folder));
    expect(users.map(({ from }) => from)).toEqual(['app-plane/gateway/upstream-clients.ts']);
    const switchSource = readFileSync(join(ROOT, 'app-plane/gateway/upstream-clients.ts'), 'utf8');
    expect(switchSource).toContain("await import('./upstream/undici/undici-upstream.ts')");
    expect(switchSource).not.toMatch(/^import .*undici/m);
  });

  test('has no cycle between files, types included', () => {
    const edges = IMPORTS.filter(({ ours }) => ours);
    expect(findCycle(graphOf(edges.map(({ from, to }) => [from, to])))).toEqual([]);
  });

  test('has no cycle between folders, types included', () => {
    const edges = IMPORTS.filter(({ ours }) => ours)
      .map(({ from, to }) => [dirname(from), dirname(to)] as const)
      .filter(([from, to]) => from !== to);
    expect(findCycle(graphOf(edges))).toEqual([]);
  });

  test('has no file whose name says nothing about its content', () => {
    expect(FILES.filter((file) => /(^|\/)(utils?|helpers?|index|common|misc)\.ts$/.test(file))).toEqual([]);
  });
});

function graphOf(edges: readonly (readonly [from: string, to: string])[]): Map<string, string[]> {
  const graph = new Map<string, string[]>();
  for (const [from, to] of edges) graph.set(from, [...(graph.get(from) ?? []), to]);
  return graph;
}

function findCycle(edges: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): string[] => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return [];
    for (const next of edges.get(file) ?? []) {
      const cycle = walk(next, [...path, file]);
      if (cycle.length > 0) return cycle;
    }
    done.add(file);
    return [];
  };
  for (const file of edges.keys()) {
    const cycle = walk(file, []);
    if (cycle.length > 0) return cycle;
  }
  return [];
}
