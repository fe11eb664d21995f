import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

/** The Markdown pages at the root and below docs/, as paths from the root. */
export const PAGES = [
  ...readdirSync(ROOT),
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => join('docs', name)),
].filter((name) => name.endsWith('.md'));

/** The pages whose shell commands test/e2e/runbooks.test.ts runs, in order. */
export const RUNBOOK_PAGES: readonly string[] = ['docs/add-a-service.md', 'docs/runbooks/README.md'];

export interface Block {
  readonly page: string;
  /** The info string after the opening fence: `sh`, `sh walk`, `ts`. */
  readonly info: string;
  readonly text: string;
}

/** The fenced blocks of a page, in order. */
export function blocksOf(page: string): Block[] {
  return [...readFileSync(join(ROOT, page), 'utf8').matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map(
    ([, info = '', text = '']) => ({ page, info, text }),
  );
}

/** Whether a block contains shell commands. */
export function isShell({ info, text }: Block): boolean {
  if (/^(sh|bash|shell|console|zsh)\b/.test(info)) return true;
  return info === '' && /^(\$ )?(npm|npx|node|curl|bash|git|bin\/tierplane|scripts\/\S+\.sh) /m.test(text);
}
