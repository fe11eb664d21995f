import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { EXIT, EXIT_MEANINGS } from '../cli/exit-codes.ts';
import { loadConfig } from '../embedded/config.ts';
import { runCli } from './e2e/harness.ts';
import { blocksOf, isShell, PAGES, RUNBOOK_PAGES } from './support/doc-commands.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8');

/** Shell commands that neither the walk nor the runbooks' test runs, each with who does, and by which words. */
const RUN_ELSEWHERE: readonly { command: string; by: string; words: string }[] = [
  // Waits for Ctrl-C: `npm ci` is the first thing on a bare machine, the walk begins with `npm start`.
  { command: 'npm ci && npm start', by: 'test/e2e/readme.test.ts', words: "spawn('npm', ['start']" },
  // The whole suite cannot run inside one of its own tests.
  { command: 'npm ci && npm test', by: '.ci/run', words: 'npm ci && npm test' },
  { command: 'npm run aws:rehearse', by: 'test/rehearsal/rehearsal.test.ts', words: 'rehearsal/rehearse.ts' },
  // Want an account: the rehearsal does the same in an emulated one.
  {
    command: 'scripts/sbt-install.sh admin@example.com',
    by: 'rehearsal/installation.ts',
    words: 'sbt-install',
  },
  { command: 'curl -s ADMIN_DOMAIN/oauth2/token', by: 'rehearsal/managed-login.ts', words: '/oauth2/token' },
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

  test('show configurations that the platform takes', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tp-docs-'));
    try {
      const shown = PAGES.flatMap(blocksOf).filter(({ info, text }) => info === 'json' && !text.includes('"figures"'));
      expect(shown.length).toBeGreaterThan(0);
      for (const { text } of shown) {
        writeFileSync(join(folder, 'config.json'), text);
        expect(() => loadConfig(join(folder, 'config.json'), { demo: true })).not.toThrow();
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('link to files that exist', () => {
    const broken = PAGES.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g)]
        .map(([, target = '']) => join(dirname(page), target))
        .filter((target) => !exists(target)),
    );
    expect(broken).toEqual([]);
  });

  test('name commands that exist, with options that they take', async () => {
    const lines = PAGES.flatMap((page) => [
      ...read(page).matchAll(/npx tierplane ((?:[a-z][a-z-]* ?){1,2})([^\n`)]*)/g),
    ]);
    expect(lines.length).toBeGreaterThan(20);
    const help = new Map<string, string>();
    for (const [, words = '', rest = ''] of lines) {
      const command = await known(words.trim().split(' '), help);
      for (const [option] of rest.matchAll(/--[a-z-]+/g))
        expect([command, help.get(command)]).toEqual([command, expect.stringContaining(option)]);
    }
  }, 60_000);

  test('show a service that type-checks, by its own words', () => {
    const files = [
      ...read('docs/add-a-service.md').matchAll(/`services\/notes\/(\w+\.ts)`[\s\S]*?```ts\n([\s\S]*?)```/g),
    ];
    expect(files.map(([, name]) => name)).toEqual(['routes.ts', 'app.ts', 'server.ts']);
    const folder = mkdtempSync(join(ROOT, 'services', 'notes-'));
    try {
      for (const [, name = '', text = ''] of files) writeFileSync(join(folder, name), text);
      const tsc = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', ROOT], { encoding: 'utf8' });
      expect(tsc.stdout.split('\n').filter((line) => line.includes('services/notes-'))).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 60_000);

  test('list every exit code with its meaning', () => {
    for (const [name, code] of Object.entries(EXIT)) {
      expect(read('docs/cli.md')).toContain(`| ${code} | ${EXIT_MEANINGS[name as keyof typeof EXIT]} |`);
    }
  });

  test('list every decision record', () => {
    const records = readdirSync(join(ROOT, 'docs', 'decisions')).filter((name) => /^\d/.test(name));
    for (const record of records) expect(read('docs/decisions/README.md')).toContain(`](${record})`);
  });
});

function exists(path: string): boolean {
  try {
    readFileSync(join(ROOT, path));
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EISDIR';
  }
}

/** The command these words begin with: two words where there is such a subcommand, else one. */
async function known(words: readonly string[], help: Map<string, string>): Promise<string> {
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
