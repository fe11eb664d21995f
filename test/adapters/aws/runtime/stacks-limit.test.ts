import { createServer } from 'node:http';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { expect, test } from '@jest/globals';
import { Stacks } from '../../../../adapters/aws/runtime/stacks.ts';
import { createCallLimiter } from '../../../../core/usage/call-limiter.ts';
import { closeServer, listen } from '../../../support/http-server.ts';
import { openScratchTable } from '../../../support/scratch-table.ts';

const CREATED =
  '<CreateStackResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><CreateStackResult><StackId>s</StackId></CreateStackResult></CreateStackResponse>';
const THROTTLED =
  '<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>';

/** CloudFormation's API, which refuses every call while `scene.throttled`, and two processes that share a limit. */
async function openScene() {
  const scratch = await openScratchTable();
  const scene = { calls: 0, throttled: false };
  const server = createServer((_request, response) => {
    scene.calls += 1;
    response.writeHead(scene.throttled ? 400 : 200, { 'content-type': 'text/xml' });
    response.end(scene.throttled ? THROTTLED : CREATED);
  });
  const { url } = await listen(server);
  const client = new CloudFormationClient({
    ...{ endpoint: url, region: 'us-east-1', maxAttempts: 1 },
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const { table, clock } = scratch;
  const open = () =>
    new Stacks(client, {
      limiter: createCallLimiter({ name: 'stacks', limit: { rate: 0.25, burst: 2 }, table, clock }),
    });
  return {
    ...{ scene, clock, one: open(), two: open() },
    async close() {
      client.destroy();
      await closeServer(server);
      await scratch.close();
    },
  };
}

test('functions together start no more stacks than the limit allows, and say what a stack waits for', async () => {
  const { scene, clock, one, two, close } = await openScene();
  try {
    const create = (stacks: Stacks, StackName: string) => stacks.create({ StackName, TemplateBody: '{}' });
    await expect(create(one, 'a')).resolves.toBe('stack a is being created');
    await expect(create(two, 'b')).resolves.toBe('stack b is being created');
    await expect(create(one, 'c')).resolves.toBe('stack c waits for its turn to be created');
    expect(scene.calls).toBe(2);
    clock.advance(4_000);
    await expect(create(two, 'c')).resolves.toBe('stack c is being created');
    expect(scene.calls).toBe(3);
  } finally {
    await close();
  }
});

test('a call that CloudFormation throttles does not fail: all functions wait, and then try again', async () => {
  const { scene, clock, one, two, close } = await openScene();
  try {
    const create = (stacks: Stacks) => stacks.create({ StackName: 'a', TemplateBody: '{}' });
    scene.throttled = true;
    await expect(create(one)).resolves.toBe('stack a waits for its turn to be created');
    expect(scene.calls).toBe(1);
    scene.throttled = false;
    await expect(create(two)).resolves.toBe('stack a waits for its turn to be created');
    expect(scene.calls).toBe(1);
    clock.advance(10_000);
    await expect(create(two)).resolves.toBe('stack a is being created');
    expect(scene.calls).toBe(2);
  } finally {
    await close();
  }
});
