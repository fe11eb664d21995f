import { expect, test } from '@jest/globals';
import { tenantMessageIn } from '../../../../adapters/aws/events/tenant-queue.ts';

const PREFIX = 'tierplane-main';
const ACME = '01jk0000000000000000000000';

const stack = (name: string) => `arn:aws:cloudformation:us-east-1:000000000000:stack/${name}/5f1c`;
const stackEvent = (name: string) => ({
  source: 'aws.cloudformation',
  'detail-type': 'CloudFormation Stack Status Change',
  resources: [stack(name)],
  detail: { 'stack-id': stack(name), 'status-details': { status: 'CREATE_COMPLETE' } },
});
const ecs = (resource: string) => `arn:aws:ecs:us-east-1:000000000000:${resource}`;
const taskEvent = (detail: object) => ({
  ...{ source: 'aws.ecs', 'detail-type': 'ECS Task State Change' },
  resources: [ecs('task/tierplane-main-shared/0f')],
  detail,
});

test.each<[string, object, object | undefined]>([
  ['a message of the platform', { tenantId: ACME }, { tenantId: ACME }],
  ['one of a later time', { tenantId: ACME, dueAt: 7 }, { tenantId: ACME, dueAt: 7 }],
  ["a tenant's deployment stack", stackEvent(`${PREFIX}-silo-${ACME}`), { tenantId: ACME }],
  ["a tenant's data stack", stackEvent(`${PREFIX}-silo-data-${ACME}`), { tenantId: ACME }],
  [
    'a service in the shared cluster',
    {
      ...taskEvent({ clusterArn: ecs('cluster/tierplane-main-shared') }),
      resources: [ecs(`service/tierplane-main-shared/${PREFIX}-silo-${ACME}-Orders-1A`)],
    },
    { tenantId: ACME },
  ],
  [
    'a task in the shared cluster, by its service',
    taskEvent({
      clusterArn: ecs('cluster/tierplane-main-shared'),
      group: `service:${PREFIX}-silo-${ACME}-OrdersService-1A`,
    }),
    { tenantId: ACME },
  ],
  [
    "a task in a tenant's own cluster",
    taskEvent({ clusterArn: ecs(`cluster/${PREFIX}-silo-${ACME}`), group: 'family:x' }),
    { tenantId: ACME },
  ],
  ['a stack of the platform', stackEvent('core-appplane-stack'), undefined],
  ['a stack of another environment', stackEvent(`tierplane-test-silo-${ACME}`), undefined],
  ['a stack that only contains the name', stackEvent(`x-${PREFIX}-silo-${ACME}`), undefined],
  ['an id that is too long for a tenant', stackEvent(`${PREFIX}-silo-${ACME}x`), undefined],
  ['a pooled task', taskEvent({ clusterArn: ecs('cluster/tierplane-main-pool'), group: 'service:orders' }), undefined],
])('the work queue finds the tenant in %s', (_what, message, found) => {
  expect(tenantMessageIn(JSON.stringify(message), PREFIX)).toEqual(found);
});

test.each([
  ['no JSON', 'acme0000'],
  ['an empty object', '{}'],
  ['a malformed tenant id', '{"tenantId":"../acme"}'],
  ['an unknown key', `{"tenantId":"${ACME}","release":"r2"}`],
  ['an event of another source', JSON.stringify({ ...stackEvent(`${PREFIX}-silo-${ACME}`), source: 'aws.ec2' })],
])('SE-1.8: the work queue refuses a message with %s', (_what, body) => {
  expect(() => tenantMessageIn(body, PREFIX)).toThrow(expect.objectContaining({ code: 'INVALID' }));
});
