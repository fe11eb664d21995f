import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { loadConfig } from '../embedded/config.ts';
import { dataDirAt } from '../embedded/data-dir.ts';
import { readSettings } from '../infra/configuration.ts';
import {
  CONTAINER_VARIABLES,
  FUNCTION_VARIABLES,
  OPERATOR_VARIABLES,
  PROCESS_VARIABLES,
} from '../scripts/reference/environment.ts';
import { withSections } from '../scripts/reference/markdown.ts';
import { REFERENCE_PAGES, sectionsOf } from '../scripts/reference/pages.ts';
import { TIERS } from '../tenant-templates/tiers.ts';
import { runCli } from './e2e/harness.ts';
import { blocksOf, isShell, PAGES, RUNBOOK_PAGES } from './support/doc-commands.ts';
import { sourceFiles } from './support/source-files.ts';
import { copyOfTree } from './support/tree-copy.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8');
const isThere = (path: string) => existsSync(join(ROOT, path));

const scratch = mkdtempSync(join(tmpdir(), 'tp-docs-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Shell commands that another test or script runs, with the words by which it does. */
const RUN_ELSEWHERE: readonly { command: string; by: string; words: string }[] = [
  // Waits for Ctrl-C. `npm ci` is the first command of .ci/run, and the walk begins with `npm start`.
  { command: 'npm ci && npm start', by: 'test/e2e/readme.test.ts', words: "spawn('npm', ['start']" },
  // Comes from the registry; the test installs the same package from its tarball.
  { command: 'npx tierplane up', by: 'test/e2e/package.test.ts', words: "start('up'" },
  // No base image can be pulled in .ci/run; its test starts the same final stage with podman.
  { command: 'docker compose up', by: '.github/workflows/ci.yml', words: 'docker compose up --build --detach --wait' },
  // The suite cannot run inside one of its own tests.
  { command: 'npm ci && npm test', by: '.ci/run', words: 'npm ci && wait $! && npm test' },
  { command: 'npm run aws:rehearse', by: 'test/rehearsal/rehearsal.test.ts', words: 'rehearsal/product/command.ts' },
  { command: 'npm run aws:task', by: 'test/rehearsal/task.test.ts', words: "'aws:task'" },
  // Needs an AWS account; the rehearsal does the same in an emulated one.
  {
    command: 'scripts/install.sh admin@example.com',
    by: 'rehearsal/installation.ts',
    words: "'install.sh'",
  },
  // Waits for a browser.
  { command: 'npx tierplane login --url https://saas', by: 'test/e2e/sign-in.test.ts', words: "'login', '--url'" },
  {
    command: 'npx tierplane login --url https://API_ID',
    by: 'rehearsal/command-line.ts',
    words: "['login', '--url'",
  },
  {
    command: 'npx tierplane credentials create deploy',
    by: 'test/e2e/sign-in.test.ts',
    words: "'credentials', 'create', 'deploy'",
  },
  { command: 'export TIERPLANE_URL', by: 'test/e2e/sign-in.test.ts', words: 'TIERPLANE_CLIENT_SECRET' },
];

describe('the documents', () => {
  test('DX-1: show no shell command that nothing runs', () => {
    const shown = PAGES.flatMap(blocksOf).filter(isShell);
    const elsewhere = (text: string) => RUN_ELSEWHERE.filter(({ command }) => text.startsWith(command));
    const orphans = shown.filter(
      ({ page, info, text }) =>
        !(page === 'README.md' && info === 'sh walk') && !RUNBOOK_PAGES.includes(page) && elsewhere(text).length === 0,
    );
    expect(orphans).toEqual([]);
    for (const { command, by, words } of RUN_ELSEWHERE) {
      expect([command, shown.some(({ text }) => text.startsWith(command))]).toEqual([command, true]);
      expect(read(by)).toContain(words);
    }
  });

  test('show only configurations that the platform accepts', () => {
    const shown = PAGES.flatMap(blocksOf).filter(({ info, text }) => info === 'json' && !text.includes('"figures"'));
    expect(shown.length).toBeGreaterThan(0);
    for (const { text } of shown) {
      writeFileSync(join(scratch, 'config.json'), text);
      expect(() => loadConfig(join(scratch, 'config.json'), { demo: true })).not.toThrow();
    }
    const forAws = PAGES.flatMap(blocksOf).filter(({ info }) => info === 'json aws');
    expect(forAws.length).toBeGreaterThan(0);
    for (const { text } of forAws) {
      const file = join(scratch, 'aws.json');
      writeFileSync(file, text);
      expect(() => readSettings((key) => (key === 'configuration' ? file : undefined))).not.toThrow();
    }
  });

  test('link only to files and headings that exist', () => {
    const broken = PAGES.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].flatMap(([, target = '']) => {
        const [path = '', anchor] = target.split('#');
        const file = path === '' ? page : join(dirname(page), path);
        const found = isThere(file) && (anchor === undefined || headingsOf(file).includes(anchor));
        return found ? [] : [`${page}: ${target}`];
      }),
    );
    expect(broken).toEqual([]);
  });

  test('name only files, folders and tests that exist', () => {
    const folders = readdirSync(ROOT, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const ours = folders.map(({ name }) => name).filter((name) => !['node_modules', '.git', 'dist'].includes(name));
    const named = PAGES.flatMap((page) =>
      [...read(page).matchAll(/`((?:\.?[\w@-]+\/)+[\w.-]*)`/g)].map(([, path = '']) => ({ page, path })),
    ).filter(({ path }) => ours.includes(path.split('/')[0] ?? '') && !path.startsWith('services/notes/'));
    expect(named.length).toBeGreaterThan(80);
    // The capabilities name tests by their path below test/.
    const places = (path: string) => [path, `${path}.test.ts`, join('test', path)];
    const missing = named.filter(({ path }) => !places(path).some(isThere));
    expect(missing).toEqual([]);
  });

  test('name only npm scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = PAGES.flatMap((page) => [...read(page).matchAll(/npm run (?:--silent )?([a-z:-]+)/g)]);
    expect(named.map(([, name = '']) => name).filter((name) => !(name in scripts))).toEqual([]);
  });

  test('name only commands that exist, with options that they have', async () => {
    const lines = PAGES.flatMap((page) => [
      ...read(page).matchAll(/npx tierplane ((?:[a-z][a-z-]* ?){1,2})([^\n`)]*)/g),
    ]);
    expect(lines.length).toBeGreaterThan(20);
    const help = new Map<string, string>();
    for (const [, words = '', rest = ''] of lines) {
      const command = await commandOf(words.trim().split(' '), help);
      for (const [option] of rest.matchAll(/--[a-z-]+/g))
        expect([command, help.get(command)]).toEqual([command, expect.stringContaining(option)]);
    }
  }, 60_000);

  test('are all listed in docs/README.md, and every decision in docs/decisions/README.md', () => {
    const listed = (page: string) => `](${page.startsWith('docs/') ? page.slice('docs/'.length) : `../${page}`})`;
    const index = read('docs/README.md');
    const topics = PAGES.filter((page) => page !== 'docs/README.md' && !page.startsWith('docs/decisions/0'));
    expect(topics.filter((page) => !index.includes(listed(page)))).toEqual([]);
    const decisions = readdirSync(join(ROOT, 'docs', 'decisions')).filter((name) => /^\d/.test(name));
    for (const name of decisions) expect(read('docs/decisions/README.md')).toContain(`](${name})`);
  });
});

test('the README shows the tier table as it is', () => {
  for (const [name, { isolation, usagePlan }] of Object.entries(TIERS)) {
    const { rate, burst, quotaPerDay } = usagePlan;
    const plan = `${rate} requests/s, burst ${burst}, ${quotaPerDay.toLocaleString('en-US')} a day`;
    expect(read('README.md')).toMatch(new RegExp(`^\\| ${name} \\| ${isolation} \\| .* \\| ${plan} \\|$`, 'm'));
  }
});

test('docs/architecture.md names every contract suite of a port', () => {
  const page = read('docs/architecture.md');
  // The outbox and a guarded table are not ports; the other suites are parts of those of identity and table.
  const others =
    /^(outbox|guarded-table|identity-administrators|identity-passwords|table-queries|last-administrator|own-account|account-pages|tenant-users)\.suite\.ts$/;
  const suites = readdirSync(join(ROOT, 'test/adapters/contract')).filter((name) => name.endsWith('.suite.ts'));
  expect(suites.filter((name) => !others.test(name) && !page.includes(`contract/${name}\``))).toEqual([]);
});

test('docs/architecture.md names every port, each by its file in core/ports', () => {
  const page = read('docs/architecture.md');
  // What ports share: rules and helpers of the table, and the conditions of a caller's change.
  const shared = /^(guard|table-deletion|table-rules)\.ts$/;
  const ports = readdirSync(join(ROOT, 'core/ports')).filter((name) => !shared.test(name));
  const named = (file: string) =>
    file.replace('.ts', '').replaceAll(/(?:^|-)([a-z])/g, (_, letter) => letter.toUpperCase());
  expect(ports.length).toBeGreaterThan(8);
  expect(ports.map(named).filter((name) => !new RegExp(`\\b${name}\\b`).test(page))).toEqual([]);
});

test('docs/architecture.md names every path of the data directory', () => {
  const page = read('docs/architecture.md');
  const paths = Object.values(dataDirAt(scratch)).filter((path) => path !== scratch);
  expect(paths.length).toBeGreaterThan(10);
  const missing = paths.map((path) => relative(scratch, path)).filter((name) => !RegExp(`\`${name}/?\``).test(page));
  expect(missing).toEqual([]);
});

test('the documents name the versions and numbers of the project', () => {
  const { engines, devDependencies, overrides } = JSON.parse(read('package.json')) as {
    engines: { node: string };
    devDependencies: Record<string, string>;
    overrides: Record<string, string>;
  };
  const emulator = /^ministack==(\S+)$/m.exec(read('rehearsal/emulator/requirements.txt'))?.[1];
  const { steps } = JSON.parse(read('test/fixtures/sbt-contract.json')) as { steps: unknown[] };
  const node = `Node from ${engines.node.replace('>=', '')} on`;
  const versions = { ...devDependencies, ...overrides };
  const claims: [page: string, text: string][] = [
    ['README.md', node],
    ['CONTRIBUTING.md', node],
    ['docs/aws-proof.md', `[MiniStack](https://pypi.org/project/ministack/) ${emulator} `],
    ['docs/aws-proof.md', `all ${steps.length} steps`],
    ['docs/sbt-contract.md', `to ${steps.length} requests`],
    ['docs/sbt-contract.md', `\`@cdklabs/sbt-aws\` ${versions['@cdklabs/sbt-aws']} `],
    ...['@swc/core', 'unrs-resolver', '@biomejs/biome'].map((name): [string, string] => [
      'docs/decisions/0005-pins.md',
      `| ${versions[name]} |`,
    ]),
  ];
  for (const [page, text] of claims) expect([page, read(page)]).toEqual([page, expect.stringContaining(text)]);
});

test.each([
  ['scripts/mutate.ts', '--help', '## Mutation testing'],
  // An unknown option makes the command print its usage.
  ['test/app-plane/gateway/upstream/fuzz/main.ts', '--usage', '## Fuzzing the gateway'],
])('docs/testing.md has a row for every option of %s', (script, argument, heading) => {
  const { stdout, stderr } = spawnSync(process.execPath, [join(ROOT, script), argument], { encoding: 'utf8' });
  const options = `${stdout}${stderr}`.match(/--(?!help)[a-z]+/g) ?? [];
  expect(options.length).toBeGreaterThan(1);
  const section =
    read('docs/testing.md')
      .split(/^(?=## )/m)
      .find((text) => text.startsWith(heading)) ?? '';
  expect(options.filter((option) => !RegExp(`^\\| \`${option}[\` ]`, 'm').test(section))).toEqual([]);
});

describe('docs/add-a-service.md', () => {
  test('DX-3: shows a service that type-checks', () => {
    const files = [
      ...read('docs/add-a-service.md').matchAll(/`services\/notes\/(\w+\.ts)`[\s\S]*?```ts\n([\s\S]*?)```/g),
    ];
    expect(files.map(([, name]) => name)).toEqual(['routes.ts', 'app.ts', 'server.ts']);
    const copy = copyOfTree();
    try {
      mkdirSync(join(copy.path, 'services', 'notes'));
      for (const [, name = '', text = ''] of files) writeFileSync(join(copy.path, 'services', 'notes', name), text);
      // With what the service imports only: `npm test` checks the rest.
      const project = join(copy.path, 'tsconfig.notes.json');
      writeFileSync(project, JSON.stringify({ extends: './tsconfig.json', include: ['services/notes'] }));
      const { status, stdout } = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', project], { encoding: 'utf8' });
      expect([status, stdout]).toEqual([0, '']);
    } finally {
      copy.remove();
    }
  }, 60_000);
});

describe('the reference', () => {
  test.each(Object.keys(REFERENCE_PAGES))(
    '%s is what `npm run docs` generates from the source',
    (page) => {
      expect(read(page)).toBe(withSections(read(page), sectionsOf(page)));
    },
    60_000,
  );

  test('docs/configuration.md lists every environment variable that the source reads', () => {
    const used = usersSources().flatMap((file) => read(file).match(/\bTIERPLANE_[A-Z]+(_[A-Z]+)*\b/g) ?? []);
    const documented = { ...OPERATOR_VARIABLES, ...PROCESS_VARIABLES, ...FUNCTION_VARIABLES, ...CONTAINER_VARIABLES };
    const ours = Object.keys(documented).filter((name) => name.startsWith('TIERPLANE_'));
    expect([...new Set(used)].sort()).toEqual(ours.sort());
    const others = usersSources().flatMap((file) => read(file).match(/(?<=process\.env\.)(?!TIERPLANE_)\w+/g) ?? []);
    expect([...new Set(others)].sort()).toEqual(['AWS_ENDPOINT_URL', 'AWS_REGION', 'PATH', 'npm_command']);
  });

  test('docs/errors.md lists every problem type of the services', () => {
    const slugs = [...read('services/kit/problem.ts').matchAll(/slug: '([a-z-]+)'/g)].map(([, slug]) => slug);
    expect(slugs.length).toBeGreaterThan(10);
    for (const slug of slugs) expect(read('docs/errors.md')).toContain(`\`urn:tierplane:problem:${slug}\``);
  });
});

/** The anchors of a page's headings, as GitHub makes them. */
function headingsOf(page: string): string[] {
  return [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Sources of what users run, with the launcher and the installer. */
function usersSources(): string[] {
  const others = /^(bench|rehearsal|test|tenant-templates|scripts\/reference)\//;
  return sourceFiles(/(\.[jt]s|\.sh|^tierplane)$/).filter((file) => !others.test(file));
}

/** The command that these words begin with: two words if there is such a subcommand, else one. */
async function commandOf(words: readonly string[], help: Map<string, string>): Promise<string> {
  for (const count of [2, 1]) {
    const command = words.slice(0, count).join(' ');
    if (!help.has(command)) {
      const { code, stdout } = await runCli([...words.slice(0, count), '--help']);
      if (code === 0 && stdout.includes(`tierplane ${command}`)) help.set(command, stdout);
    }
    if (help.has(command)) return command;
  }
  throw new Error(`no command 'tierplane ${words.join(' ')}'`);
}
