import { spawnSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { completionScript } from '../../cli/completion.ts';
import { createProgram } from '../../cli/program.ts';

/** The words that bash offers for the last one of these. */
function offered(...words: string[]): string[] {
  const typed = ['tierplane', ...words].map((word) => `'${word}'`).join(' ');
  const lines = [
    completionScript(createProgram(), 'bash'),
    `COMP_WORDS=(${typed}); COMP_CWORD=${words.length}; _tierplane; echo "\${COMPREPLY[@]}"`,
  ];
  const { status, stdout, stderr } = spawnSync('bash', ['-c', lines.join('\n')], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
  return stdout.trim().split(' ');
}

test.each([
  [['tena'], ['tenants']],
  [['tenants', 're'], ['retry']],
  [['tenants', 'delete', '--y'], ['--yes']],
  [['tenants', 'delete', 'acme', '--ye'], ['--yes']],
  [['--json', 'credentials', 'cr'], ['create']],
  [
    ['nonsense', 'log'],
    ['logs', 'login', 'logout'],
  ],
])('DX-2: after %j, bash completes commands and options', (words, expected) => {
  expect(offered(...words).sort()).toEqual([...expected].sort());
});

test('DX-2: zsh uses the same script by its compatibility with bash', () => {
  const script = completionScript(createProgram(), 'zsh');
  expect(script).toMatch(/^autoload -U \+X bashcompinit && bashcompinit\n/);
  expect(script).toContain('complete -F _tierplane tierplane');
});
