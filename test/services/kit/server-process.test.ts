import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, describe, expect, jest, test } from '@jest/globals';

jest.setTimeout(30_000);

const ROOT = join(import.meta.dirname, '../../..');

/** A service that drains as soon as it has the request of /last, to which it never responds; /next gets its response later. */
const PROGRAM = `
import fastify from 'fastify';
import { drain } from './services/kit/server-process.ts';
const app = fastify();
const log = { info: () => {}, warn: () => {}, error: () => {} };
const closeStore = () => console.log('the store is closed');
const respond = Promise.withResolvers();
const end = () => drain(app, { log, lingerMs: 0, deadlineMs: Number(process.env.DEADLINE_MS), closeStore });
app.get('/last', () => {
  void end();
  return new Promise(() => {});
});
app.get('/next', () => {
  void end();
  setImmediate(respond.resolve, { served: true });
  return respond.promise;
});
console.log(await app.listen({ port: 0, host: '127.0.0.1' }));
`;

let service: ChildProcess | undefined;
afterEach(() => void service?.kill('SIGKILL'));

/** Starts the service and sends it a request. @returns how both end */
async function drained(path: string, deadlineMs: number) {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    cwd: ROOT,
    env: { ...process.env, DEADLINE_MS: String(deadlineMs) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  service = child;
  const exited = once(child, 'exit');
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += String(chunk);
  });
  await Promise.race([once(child.stdout, 'data'), exited]);
  const response = await fetch(`${output.trim()}${path}`).then(
    ({ status }) => status,
    () => 'no response',
  );
  const [code] = await exited;
  return { response, code, isStoreClosed: output.includes('the store is closed') };
}

describe('a service that drains', () => {
  test('ends at its deadline, even if a request never ends', async () => {
    expect(await drained('/last', 300)).toEqual({ response: 'no response', code: 0, isStoreClosed: false });
  });

  test('ends before its deadline, after the requests in progress have their responses and the store is closed', async () => {
    expect(await drained('/next', 3_600_000)).toEqual({ response: 200, code: 0, isStoreClosed: true });
  });
});
