import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { EXIT } from '../../cli/exit-codes.ts';
import { lastLine, testAtTerminal, typeAt } from '../support/pseudo-terminal.ts';

const COMMAND = [process.execPath, join(import.meta.dirname, 'prompts.ts'), 'password'];
const FIRST = 'New password: ';
const SECOND = 'Repeat it: ';
const PASSWORD = 'Correct horse-7';
const CTRL_C = '\x03';
const CTRL_D = '\x04';

describe('ID-1: a command that sets a password', () => {
  testAtTerminal('takes it twice at a terminal, and does not show it', async () => {
    const { code, shown } = await typeAt(COMMAND, [
      { prompt: FIRST, keys: `${PASSWORD}\r` },
      { prompt: SECOND, keys: `${PASSWORD}\r` },
    ]);
    expect([code, lastLine(shown)]).toEqual([EXIT.done, `the password is ${PASSWORD}`]);
    expect(shown.split(PASSWORD)).toHaveLength(2);
  });

  testAtTerminal.each([
    ['two different passwords', [`${PASSWORD}\r`, `${PASSWORD}8\r`], EXIT.usage, 'the two passwords must be equal'],
    ['an empty password', ['\r'], EXIT.usage, 'the password must not be empty'],
    ['Ctrl-C', [`Corr${CTRL_C}`], EXIT.interrupted, 'nothing was changed'],
    ['Ctrl-C at the repetition', [`${PASSWORD}\r`, CTRL_C], EXIT.interrupted, 'nothing was changed'],
    ['Ctrl-D', [CTRL_D], EXIT.interrupted, 'nothing was changed'],
  ])('changes nothing after %s, and ends as documented', async (_what, keys, exitCode, message) => {
    const typings = keys.map((typed, i) => ({ prompt: i === 0 ? FIRST : SECOND, keys: typed }));
    const { code, shown } = await typeAt(COMMAND, typings);
    expect(lastLine(shown)?.startsWith(message)).toBe(true);
    expect(code).toBe(exitCode);
  });

  test.each([
    [`${PASSWORD}\n`, EXIT.done, `the password is ${PASSWORD}\n`],
    [` ${PASSWORD} \r\n`, EXIT.done, `the password is  ${PASSWORD} \n`],
    ['', EXIT.usage, 'standard input must hold the password, but it is empty\n'],
    ['\n', EXIT.usage, 'standard input must hold the password, but it is empty\n'],
  ])('takes it from standard input without a terminal: %j', (input, exitCode, output) => {
    const [command = '', ...args] = COMMAND;
    const { status, stdout } = spawnSync(command, args, { input, encoding: 'utf8' });
    expect([status, stdout]).toEqual([exitCode, output]);
  });
});
