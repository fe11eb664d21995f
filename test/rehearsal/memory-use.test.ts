import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { watchMemory } from '../../rehearsal/memory-use.ts';

const MIB = 2 ** 20;

test('the memory of a rehearsal is that of its own process and of all that names its account', async () => {
  const account = { port: 65_001, directory: '/tmp/tierplane-aws-memory' };
  const before = watchMemory(account);
  before.stop();
  const script = 'const held = Buffer.alloc(200 * 2 ** 20, 1); console.log(held.length); process.stdin.resume()';
  const start = (env: Readonly<Record<string, string>>) =>
    spawn(process.execPath, ['-e', script], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const own = start({ AWS_ENDPOINT_URL: `http://169.254.170.2:${account.port}` });
  const other = start({ AWS_ENDPOINT_URL: 'http://169.254.170.2:65002' });
  try {
    await Promise.all([own, other].map((child) => once(child.stdout, 'data')));
    const during = watchMemory(account);
    during.stop();
    const grown = (during.peakBytes() - before.peakBytes()) / MIB;
    expect(before.peakBytes()).toBeGreaterThan(20 * MIB);
    expect(grown).toBeGreaterThan(190);
    expect(grown).toBeLessThan(380);
  } finally {
    for (const child of [own, other]) {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
  }
});
