import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { interruptible } from '../../cli/interrupt.ts';

test("DX-2: a command that Ctrl-C aborts fails as interrupted, without the runtime's message", async () => {
  const running = interruptible((signal) => wait(60_000, undefined, { signal }));
  process.emit('SIGINT');
  await expect(running).rejects.toMatchObject({ message: 'interrupted', exitCode: 130 });
});

test('an error that is not an abort is passed on, interrupted or not', async () => {
  const failing = interruptible(async () => {
    process.emit('SIGINT');
    throw new Error('the disk is full');
  });
  await expect(failing).rejects.toThrow('the disk is full');
});
