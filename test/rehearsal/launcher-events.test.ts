import { beforeAll, expect, jest, test } from '@jest/globals';
import { type BusWatch, type SeenEvent, watchBus } from '../../rehearsal/bus-watch.ts';
import { Stacks } from '../../rehearsal/stacks.ts';
import { until } from '../support/until.ts';
import { describeWithContainers } from './account.ts';
import { buildTaskImage } from './task/image.ts';
import { serviceTemplate } from './task/template.ts';

jest.setTimeout(120_000);

const DEFAULT_BUS = 'arn:aws:events:us-east-1:000000000000:event-bus/default';
const TYPES = [
  'CloudFormation Stack Status Change',
  'CloudFormation Resource Status Change',
  'ECS Task State Change',
  'ECS Deployment State Change',
] as const;

describeWithContainers("events on an emulated account's default bus", (account, engine) => {
  let stacks: Stacks;
  let watch: BusWatch;
  beforeAll(async () => {
    buildTaskImage(engine());
    stacks = new Stacks(account());
    watch = await watchBus(account(), DEFAULT_BUS, 'watch', TYPES);
  }, 120_000);

  /** The events until the one that `isLast` accepts. */
  async function eventsUntil(isLast: (event: SeenEvent) => boolean): Promise<SeenEvent[]> {
    const events: SeenEvent[] = [];
    await until(async () => {
      events.push(...(await watch.seen(1)));
      return events.some(isLast);
    }, 30_000);
    return events;
  }
  const statusOf = ({ detail }: SeenEvent) => (detail['status-details'] as { status?: string } | undefined)?.status;
  const ofType = (events: readonly SeenEvent[], type: (typeof TYPES)[number]) =>
    events.filter(({ detailType }) => detailType === type);

  test('a stack, its resources, the deployment and the tasks of its service report each state', async () => {
    expect((await stacks.create('heard', serviceTemplate('heard'))).status).toBe('CREATE_COMPLETE');
    const events = await eventsUntil((event) => event.detailType === TYPES[0] && statusOf(event) === 'CREATE_COMPLETE');
    expect(ofType(events, TYPES[0]).map(statusOf)).toEqual(['CREATE_IN_PROGRESS', 'CREATE_COMPLETE']);
    const service = ofType(events, TYPES[1]).filter(({ detail }) => detail['logical-resource-id'] === 'Service');
    expect(service.map(statusOf)).toEqual(['CREATE_IN_PROGRESS', 'CREATE_COMPLETE']);
    expect(service.at(-1)).toMatchObject({
      source: 'aws.cloudformation',
      detail: { 'stack-id': expect.stringContaining(':stack/heard/'), 'resource-type': 'AWS::ECS::Service' },
    });
    expect(ofType(events, TYPES[2]).map(({ detail }) => detail.lastStatus)).toEqual(['PENDING', 'RUNNING']);
    expect(ofType(events, TYPES[3]).map(({ detail }) => detail.eventName)).toEqual([
      'SERVICE_DEPLOYMENT_IN_PROGRESS',
      'SERVICE_DEPLOYMENT_COMPLETED',
    ]);
  });

  test('a task that exits, and the deployment that its circuit breaker stops, report why', async () => {
    await watch.seen(1);
    await stacks.create('broken', serviceTemplate('broken', { environment: { EXIT_WITH: '3' } }));
    const events = await eventsUntil(
      (event) => event.detailType === TYPES[0] && statusOf(event) === 'ROLLBACK_COMPLETE',
    );
    const stopped = ofType(events, TYPES[2]).find(({ detail }) => detail.lastStatus === 'STOPPED');
    expect(stopped).toMatchObject({
      source: 'aws.ecs',
      detail: {
        ...{ group: 'service:broken-Service', stopCode: 'EssentialContainerExited' },
        ...{ stoppedReason: 'Essential container exited', containers: [{ name: 'main', exitCode: 3 }] },
      },
    });
    const failed = ofType(events, TYPES[3]).find(({ detail }) => detail.eventName === 'SERVICE_DEPLOYMENT_FAILED');
    expect(failed?.detail).toMatchObject({ eventType: 'ERROR', reason: expect.stringContaining('circuit breaker') });
  });
});
