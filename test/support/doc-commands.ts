import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

/** README.md and everything below docs/, as paths from the root. */
export const PAGES = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => join('docs', name)),
].filter((name) => name.endsWith('.md'));

/** Pages whose shell commands are run one after the other by test/e2e/runbooks.test.ts. */
export const RUNBOOK_PAGES: readonly string[] = ['docs/add-a-service.md', 'docs/runbooks/README.md'];

export interface Block {
  readonly page: string;
  /** What stands behind the fence's backticks: `sh`, `sh walk`, `ts`. */
  readonly info: string;
  readonly text: string;
}

/** The fenced blocks of a page, in order. */
export function blocksOf(page: string): Block[] {
  return [...readFileSync(join(ROOT, page), 'utf8').matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map(
    ([, info = '', text = '']) => ({ page, info, text }),
  );
}

/** Whether a reader would put it into a shell. */
export function isShell({ info, text }: Block): boolean {
  if (/^(sh|bash|shell|console|zsh)\b/.test(info)) return true;
  return info === '' && /^(\$ )?(npm|npx|node|curl|bash|git|bin\/tierplane|scripts\/\S+\.sh) /m.test(text);
}
