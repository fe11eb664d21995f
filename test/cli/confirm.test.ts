import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import { EXIT } from '../../cli/exit-codes.ts';
import { lastLine, testAtTerminal, typeAt } from '../support/pseudo-terminal.ts';

const PROMPT = 'Type the name to continue: ';
const COMMAND = [process.execPath, join(import.meta.dirname, 'prompts.ts'), 'confirm', 'Acme Inc.'];
const CTRL_C = '\x03';
const CTRL_D = '\x04';
const BACKSPACE = '\x7f';

describe('DX-2: a command that deletes', () => {
  testAtTerminal.each([
    ['the name', 'Acme Inc.\r', EXIT.done, 'deleted'],
    ['the name with spaces around it', '  Acme Inc. \r', EXIT.done, 'deleted'],
    ['the name after a typing error', `Acmee${BACKSPACE} Inc.\r`, EXIT.done, 'deleted'],
    ['another name', 'acme inc.\r', EXIT.usage, 'the name does not match; nothing was deleted'],
    ['only a part of the name', 'Acme\r', EXIT.usage, 'the name does not match; nothing was deleted'],
    ['yes', 'yes\r', EXIT.usage, 'the name does not match; nothing was deleted'],
    ['nothing', '\r', EXIT.usage, 'the name does not match; nothing was deleted'],
    ['Ctrl-C', CTRL_C, EXIT.interrupted, 'nothing was deleted'],
    ['Ctrl-C after the name', `Acme Inc.${CTRL_C}`, EXIT.interrupted, 'nothing was deleted'],
    ['Ctrl-D', CTRL_D, EXIT.interrupted, 'nothing was deleted'],
  ])('asks at a terminal for the name, and ends as documented after %s', async (_what, keys, exitCode, last) => {
    const { code, shown } = await typeAt(COMMAND, [{ prompt: PROMPT, keys }]);
    expect(shown).toContain('This deletes Acme Inc. and all of its data.');
    expect(lastLine(shown)).toBe(last);
    expect(code).toBe(exitCode);
  });
});
