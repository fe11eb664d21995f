import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { EXIT, EXIT_MEANINGS } from '../bin/cli/exit-codes.ts';
import { runCli } from './e2e/harness.ts';

const ROOT = join(import.meta.dirname, '..');
const PAGES = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => join('docs', name)),
].filter((name) => name.endsWith('.md'));
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8');

describe('the documents', () => {
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
