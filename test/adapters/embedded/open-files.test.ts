import { describe, expect, test } from '@jest/globals';
import { clientConnectionsWithin, openFilesLimit, openFilesShortage } from '../../../adapters/embedded/open-files.ts';

const limits = (soft: string): string =>
  `Limit  Soft Limit  Hard Limit  Units\nMax open files            ${soft}  4096  files\n`;

describe('the limit of open files', () => {
  test('is the soft limit of this process, which Node has raised', () => {
    expect([openFilesLimit(limits('64')), openFilesLimit(limits('unlimited')), openFilesLimit('')]).toEqual([
      64,
      Number.POSITIVE_INFINITY,
      undefined,
    ]);
    expect(openFilesLimit()).toBeGreaterThan(0);
  });

  test.each([
    [64, true],
    [1_023, true],
    [1_024, false],
    [Number.POSITIVE_INFINITY, false],
  ])('%d: too low is %p, and the message says what is needed', (limit, tooLow) => {
    const shortage = openFilesShortage(limit);
    expect(shortage !== undefined).toBe(tooLow);
    if (tooLow)
      expect(shortage).toBe(
        `a process may have ${limit} files open, but the platform needs at least 1024: raise the limit with 'ulimit -n 4096' in the shell that starts it, or LimitNOFILE=4096 in its systemd unit`,
      );
  });

  test.each([
    [undefined, 10_000],
    [1_024, 512],
    [600, 512],
    [4_096, 3_584],
    [1_000_000, 10_000],
  ])('%p leaves %d connections to clients', (limit, connections) => {
    expect(limit === undefined ? 10_000 : clientConnectionsWithin(10_000, limit)).toBe(connections);
  });
});
