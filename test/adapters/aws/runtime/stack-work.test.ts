import type { Stack, StackEvent } from '@aws-sdk/client-cloudformation';
import { describe, expect, test } from '@jest/globals';
import { liveWork, openStackWork } from '../../../../adapters/aws/runtime/stack-work.ts';

const STACK = 'arn:aws:cloudformation:us-east-1:000000000000:stack/tp-silo-acme00000001/1';
const SERVICES = [
  { service: 'orders', logicalIds: ['OrdersService', 'TasksService'] },
  { service: 'products', logicalIds: ['ProductsService', 'TasksService'] },
];
const stackIn = (StackStatus: Stack['StackStatus']): Stack => ({
  ...{ StackName: 'tp-silo-acme00000001', StackId: STACK, StackStatus, CreationTime: new Date(0) },
});

/** Events newest first, from lines in the order in which they happened: `OrdersService CREATE_FAILED reason`. */
function eventsOf(...lines: readonly string[]): StackEvent[] {
  return lines
    .map((line, second): StackEvent => {
      const [LogicalResourceId = '', status = '', ...words] = line.split(' ');
      return {
        ...{ LogicalResourceId, ResourceStatus: status as NonNullable<StackEvent['ResourceStatus']>, StackId: STACK },
        ...{ EventId: String(second), StackName: 'tp-silo-acme00000001', Timestamp: new Date(second * 1_000) },
        PhysicalResourceId: LogicalResourceId === 'Stack' ? STACK : LogicalResourceId,
        ...(words.length > 0 && { ResourceStatusReason: words.join(' ') }),
      };
    })
    .reverse();
}
const at = (second: number) => new Date(second * 1_000).toISOString();

describe('the work of a stack', () => {
  test('names what is complete and what is in progress, and how far each service is', () => {
    const events = eventsOf(
      'Stack CREATE_IN_PROGRESS User Initiated',
      'Group CREATE_IN_PROGRESS',
      'Group CREATE_COMPLETE',
      'OrdersService CREATE_IN_PROGRESS',
      'ProductsService CREATE_IN_PROGRESS',
      'OrdersService CREATE_COMPLETE',
      ...['A', 'B', 'C'].map((id) => `${id} CREATE_IN_PROGRESS`),
    );
    expect(liveWork(stackIn('CREATE_IN_PROGRESS'), events, SERVICES)).toEqual({
      reason: 'stack tp-silo-acme00000001 is being created; 2 resources are complete, in progress: C, B, A and 1 more',
      parts: [
        { name: 'orders', status: 'done', startedAt: at(3), endedAt: at(5) },
        { name: 'products', status: 'running', startedAt: at(4) },
      ],
    });
  });

  test('counts services that run in one task as one resource, which has the state of both', () => {
    const events = eventsOf('Stack UPDATE_IN_PROGRESS', 'TasksService UPDATE_IN_PROGRESS');
    const { parts } = liveWork(stackIn('UPDATE_IN_PROGRESS'), events, SERVICES);
    expect(parts.map(({ name, status }) => [name, status])).toEqual([
      ['orders', 'running'],
      ['products', 'running'],
    ]);
  });

  test('of a rollback has the first failure as its reason, and no service is done', () => {
    const events = eventsOf(
      'Stack CREATE_IN_PROGRESS',
      'OrdersService CREATE_COMPLETE',
      'ProductsService CREATE_FAILED exited with 3',
      'Group CREATE_FAILED Resource creation cancelled',
      'Stack ROLLBACK_IN_PROGRESS',
      'OrdersService DELETE_COMPLETE',
    );
    expect(liveWork(stackIn('ROLLBACK_IN_PROGRESS'), events, SERVICES)).toEqual({
      reason:
        'stack tp-silo-acme00000001 is being rolled back because of ProductsService: exited with 3; 1 resource is complete',
      parts: [{ name: 'products', status: 'failed', startedAt: at(2), endedAt: at(2), reason: 'exited with 3' }],
    });
  });

  test('that has not begun a resource has no details', () => {
    expect(liveWork(stackIn('DELETE_IN_PROGRESS'), eventsOf('Stack DELETE_IN_PROGRESS'), SERVICES)).toEqual({
      reason: 'stack tp-silo-acme00000001 is being deleted',
      parts: [],
    });
  });
});

describe("the work on a tenant's stacks", () => {
  const stacks = new Map<string, Stack>([
    ['tp-silo-acme00000001', stackIn('UPDATE_IN_PROGRESS')],
    ['tp-silo-data-acme00000001', stackIn('CREATE_COMPLETE')],
  ]);
  const asked: string[] = [];
  const work = openStackWork({
    stacks: {
      find: async (name) => stacks.get(name),
      async lastEvents(name) {
        asked.push(name);
        return eventsOf('Stack UPDATE_IN_PROGRESS', 'OrdersService UPDATE_IN_PROGRESS');
      },
    },
    ...{ services: SERVICES, prefix: 'tp' },
  });

  test('is read from the events only while an operation is in progress', async () => {
    expect(await work.deployment('acme00000001')).toMatchObject({ parts: [{ name: 'orders', status: 'running' }] });
    expect(await work.data('acme00000001')).toBeUndefined();
    expect(await work.deployment('other0000001')).toBeUndefined();
    expect(asked).toEqual([STACK]);
  });

  test.each(['', '../x', 'data-acme00000001', '*'])('of the malformed id %j is refused before a call', async (id) => {
    await expect(work.deployment(id)).rejects.toMatchObject({ code: 'INVALID' });
    await expect(work.data(id)).rejects.toMatchObject({ code: 'INVALID' });
    expect(asked).toEqual([STACK]);
  });
});
