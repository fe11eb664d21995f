import { EventEmitter } from 'node:events';
import { expect, test } from '@jest/globals';
import { linkToAgent } from '../../../services/kit/agent-link.ts';

function link({ hasAgent = true } = {}) {
  const process = new EventEmitter() as EventEmitter & { send?: (message: unknown) => void };
  const sent: unknown[] = [];
  const calls: string[] = [];
  if (hasAgent) process.send = (message) => sent.push(message);
  const agent = linkToAgent(process as NodeJS.Process, {
    drain: () => calls.push('drain'),
    orphaned: () => calls.push('orphaned'),
  });
  return { agent, calls, sent, process };
}

test('the directory is the one that the agent sent last, and empty before', () => {
  const { agent, calls, process } = link();
  expect(agent.directory.endpoints('orders')).toEqual([]);
  process.emit('message', { type: 'directory', services: { orders: ['/run/1.sock'] } });
  process.emit('message', { type: 'directory', services: { orders: ['/run/2.sock'] } });
  expect([agent.directory.endpoints('orders'), agent.directory.endpoints('users')]).toEqual([['unix:/run/2.sock'], []]);
  expect(calls).toEqual([]);
});

test('a task drains when the agent says so, and exits when the agent is gone', () => {
  const { calls, process } = link();
  process.emit('message', { type: 'drain' });
  process.emit('disconnect');
  expect(calls).toEqual(['drain', 'orphaned']);
});

test('messages of another form change nothing', () => {
  const { agent, calls, process } = link();
  for (const message of [undefined, {}, { type: 'stop' }, { type: 'directory' }]) process.emit('message', message);
  expect([calls, agent.directory.endpoints('orders')]).toEqual([[], []]);
});

test('a task notifies its agent once it listens, and a task without an agent nobody', () => {
  const { agent, sent } = link();
  agent.ready();
  expect(sent).toEqual([{ type: 'ready' }]);
  expect(() => link({ hasAgent: false }).agent.ready()).not.toThrow();
});
