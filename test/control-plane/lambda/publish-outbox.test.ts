import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { envelope } from '../../../core/events/events.ts';
import { outboxWrites } from '../../../core/events/outbox.ts';
import { OUTBOX, REJECTED } from '../../../core/events/outbox-partitions.ts';
import type { Envelope } from '../../../core/ports/event-bus.ts';
import { put } from '../../../core/ports/table.ts';
import { describeInAccount } from '../../rehearsal/account.ts';
import { until } from '../../support/until.ts';
import { createLambdaWorld, type LambdaWorld } from './lambda-world.ts';

jest.setTimeout(60_000);

describeInAccount("the outbox publisher's function in an emulated account", (account) => {
  let world: LambdaWorld;
  let handler: typeof import('../../../control-plane/lambda/publish-outbox.ts').handler;
  const received: Envelope[] = [];

  beforeAll(async () => {
    world = await createLambdaWorld(account(), 'publish-outbox');
    Object.assign(process.env, world.environment);
    ({ handler } = await import('../../../control-plane/lambda/publish-outbox.ts'));
    world.bus.subscribe({
      name: 'watch',
      detailTypes: ['offboardingRequest'],
      concurrency: 10,
      handle: async (event) => void received.push(event),
    });
    await world.bus.publish([]);
  });
  afterAll(async () => world?.bus.close());

  function event(id: string): Envelope {
    const tenantId = '01hzzzzzzzzzzzzzzzzzzzzzzz';
    return envelope(id, 'offboardingRequest', { tenantId, tenantRegistrationId: `reg-${tenantId}` }, Date.now());
  }

  async function remaining(pk = OUTBOX.pk): Promise<string[]> {
    return (await world.table.query({ pk, limit: 1000 })).items.map(({ sk }) => sk);
  }

  test('does nothing when the outbox is empty', async () => {
    await handler();
    expect(await remaining()).toEqual([]);
  });

  test('publishes everything when stream and schedule trigger it at the same time', async () => {
    const ids = Array.from({ length: 130 }, (_, i) => `event-${String(i).padStart(3, '0')}`);
    for (const id of ids) await world.table.transact(outboxWrites([event(id)]));
    await Promise.all([handler(), handler()]);
    expect(await remaining()).toEqual([]);
    await until(() => new Set(received.map(({ id }) => id)).size === ids.length, 30_000);
    expect([...new Set(received.map(({ id }) => id))].sort()).toEqual(ids);
    expect(received.find(({ id }) => id === 'event-000')).toMatchObject({ detailType: 'offboardingRequest' });
  });

  test('sets a malformed event aside and publishes the events behind it', async () => {
    const output = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    const broken = { ...event('a-broken'), detail: { secret: 'detail' } };
    await world.table.transact([put({ ...OUTBOX, sk: 'a-broken', version: 1, data: broken })]);
    await world.table.transact(outboxWrites([event('b-behind')]));
    await handler();
    const lines = output.mock.calls.map(([text]) => JSON.parse(String(text)));
    output.mockRestore();
    expect([await remaining(), await remaining(REJECTED.pk)]).toEqual([[], ['a-broken']]);
    expect(lines).toMatchObject([{ level: 'error', msg: 'event rejected', eventId: 'a-broken' }]);
    await until(() => received.some(({ id }) => id === 'b-behind'));
  });

  test('fails while the bus refuses events, keeps them, and publishes them later', async () => {
    const send = jest.spyOn(EventBridgeClient.prototype, 'send');
    await world.table.transact(outboxWrites([event('late')]));
    const refused = { FailedEntryCount: 1, Entries: [{ ErrorCode: 'ThrottlingException' }] };
    send.mockImplementation(async () => refused);
    await expect(handler()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    send.mockRestore();
    expect(await remaining()).toEqual(['late']);
    await handler();
    expect(await remaining()).toEqual([]);
    await until(() => received.some(({ id }) => id === 'late'));
  });
});
