import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { describeUnless } from '../support/requirements.ts';

jest.setTimeout(60_000);

const ROOT = join(import.meta.dirname, '../..');
const LACKS = process.platform !== 'linux' || process.getuid?.() !== 0 ? 'not root on Linux' : undefined;

/**
 * Two accounts have ended: the one at port 1 while another account runs, which holds the lock; then the one at port 2, the
 * last. Prints the addresses before, between and after.
 */
const PROGRAM = `
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { aliasLabel, removeAddresses, TASK_ADDRESS_LOCK } from './rehearsal/account-network.ts';
const ip = (...args) => spawnSync('ip', args, { encoding: 'utf8' }).stdout;
const addresses = () => [...ip('-4', 'address', 'show', 'dev', 'lo').matchAll(/inet (169\\S+)/g)].map(([, one]) => one);
ip('link', 'set', 'lo', 'up');
ip('address', 'add', '169.254.170.2/32', 'dev', 'lo');
for (const port of [1, 2]) ip('address', 'add', '169.254.9.' + port + '/32', 'dev', 'lo', 'label', aliasLabel(port));
const found = [addresses()];
const other = spawn('flock', ['--shared', '--no-fork', TASK_ADDRESS_LOCK, 'sh', '-c', 'echo held; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
await once(other.stdout, 'data');
removeAddresses(1);
found.push(addresses());
other.stdin.end();
await once(other, 'exit');
removeAddresses(2);
found.push(addresses());
console.log(JSON.stringify(found));
`;

describeUnless(LACKS, 'the addresses of an account that has ended', () => {
  test('are removed, but the one of task credentials only by the last account', () => {
    // With a network and a folder of locks of its own, no account of another suite takes part.
    const script = 'mount -t tmpfs tmpfs /run/lock && exec "$@"';
    const node = [process.execPath, '--input-type=module', '--eval', PROGRAM];
    const args = ['--net', '--mount', 'sh', '-c', script, 'sh', ...node];
    const { status, stdout, stderr } = spawnSync('unshare', args, { cwd: ROOT, encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toEqual([
      ['169.254.170.2/32', '169.254.9.1/32', '169.254.9.2/32'],
      ['169.254.170.2/32', '169.254.9.2/32'],
      [],
    ]);
  });
});
