import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defined } from '../../../core/defined.ts';
import { DomainError } from '../../../core/errors.ts';
import type { DeadLetter, Envelope, EventBus } from '../../../core/ports/event-bus.ts';
import { until } from '../../support/until.ts';

export interface OpenBus {
  readonly bus: EventBus;
  close(): Promise<void>;
}

/** What every adapter of the EventBus port must do. `open` returns an empty bus that retries after milliseconds. */
export function eventBusContract(name: string, open: () => Promise<OpenBus>): void {
  describe(`${name} as an EventBus`, () => {
    let opened: OpenBus;
    let bus: EventBus;
    beforeEach(async () => {
      opened = await open();
      bus = opened.bus;
    });
    afterEach(async () => opened.close());

    test('delivers each event to every consumer of its type, as it was published, and to no other', async () => {
      const got: Record<string, Envelope[]> = { first: [], second: [], other: [] };
      const record = (consumer: string) => async (event: Envelope) => void got[consumer]?.push(event);
      bus.subscribe({ name: 'first', detailTypes: ['a', 'b'], handle: record('first') });
      bus.subscribe({ name: 'second', detailTypes: ['a'], handle: record('second') });
      bus.subscribe({ name: 'other', detailTypes: ['c'], handle: record('other') });
      await bus.publish([event('1', 'a'), event('2', 'b')]);
      await until(() => got.first?.length === 2 && got.second?.length === 1);
      expect(got.first).toEqual(expect.arrayContaining([event('1', 'a'), event('2', 'b')]));
      expect(got.second).toEqual([event('1', 'a')]);
      expect(got.other).toEqual([]);
    });

    test('queues an event that is published twice only once', async () => {
      const got: string[] = [];
      bus.subscribe({ name: 'consumer', detailTypes: ['a'], handle: async ({ id }) => void got.push(id) });
      await bus.publish([event('1', 'a'), event('1', 'a')]);
      await until(() => got.length === 1);
      await bus.publish([event('1', 'a'), event('2', 'a')]);
      await until(() => got.includes('2'));
      expect(got).toEqual(['1', '2']);
    });

    test('redelivers an event until it is handled, without delaying other events', async () => {
      const got: string[] = [];
      let failures = 0;
      bus.subscribe({
        name: 'consumer',
        detailTypes: ['a'],
        async handle({ id }) {
          if (id === '1' && failures++ < 3) throw new Error('not yet');
          got.push(id);
        },
      });
      await bus.publish([event('1', 'a'), event('2', 'a')]);
      await until(() => got.length === 2);
      expect(got).toEqual(['2', '1']);
      expect((await bus.deadLetters({ limit: 10 })).items).toEqual([]);
    });

    test('handles no more events at once than a consumer allows', async () => {
      let running = 0;
      let most = 0;
      let handled = 0;
      bus.subscribe({
        name: 'consumer',
        detailTypes: ['a'],
        concurrency: 3,
        async handle() {
          most = Math.max(most, ++running);
          // The first handlers wait for each other, which proves that they run at the same time.
          if (most < 3) await until(() => most === 3);
          else await new Promise((resolve) => setImmediate(resolve));
          running--;
          handled++;
        },
      });
      await bus.publish(Array.from({ length: 50 }, (_, i) => event(`${i}`, 'a')));
      await until(() => handled === 50);
      expect(most).toBe(3);
    });

    test('turns an event that fails too often into a dead letter with the reason, and delivers it again when it is replayed', async () => {
      let broken = true;
      const attempts: string[] = [];
      bus.subscribe({
        name: 'consumer',
        detailTypes: ['a'],
        maxAttempts: 3,
        async handle({ id }) {
          attempts.push(id);
          if (broken) throw new Error('the disk is on fire');
        },
      });
      await bus.publish([event('1', 'a')]);
      const [letter] = (await until(() => deadLetters(bus, 1))) as [DeadLetter];
      expect(attempts).toEqual(['1', '1', '1']);
      expect(letter).toMatchObject({
        consumer: 'consumer',
        attempts: 3,
        reason: 'the disk is on fire',
        event: event('1', 'a'),
      });
      expect(Date.parse(letter.failedAt)).not.toBeNaN();

      await bus.replay(letter.id);
      expect(await until(() => deadLetters(bus, 1))).toMatchObject([{ attempts: 3 }]);
      expect(attempts).toHaveLength(6);
      broken = false;
      await bus.replay(letter.id);
      await until(() => attempts.length === 7);
      expect((await bus.deadLetters({ limit: 10 })).items).toEqual([]);
      await expect(bus.replay(letter.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    test('turns an event that its consumer rejects as invalid into a dead letter at once', async () => {
      let deliveries = 0;
      bus.subscribe({
        name: 'consumer',
        detailTypes: ['a'],
        async handle() {
          deliveries++;
          throw new DomainError('INVALID', 'no such tier');
        },
      });
      await bus.publish([event('1', 'a')]);
      expect(await until(() => deadLetters(bus, 1))).toMatchObject([{ attempts: 1, reason: 'no such tier' }]);
      expect(deliveries).toBe(1);
    });

    test('lists dead letters of all consumers, or of one, in pages', async () => {
      const fail = async (): Promise<void> => {
        throw new DomainError('INVALID', 'never');
      };
      bus.subscribe({ name: 'left', detailTypes: ['a'], concurrency: 4, handle: fail });
      bus.subscribe({ name: 'right', detailTypes: ['a'], concurrency: 4, handle: fail });
      await bus.publish(Array.from({ length: 25 }, (_, i) => event(`e${i}`, 'a')));
      await until(() => deadLetters(bus, 50));
      for (const [consumer, count] of [
        [undefined, 50],
        ['right', 25],
        ['nobody', 0],
      ] as const) {
        const ids: string[] = [];
        for (let after: string | undefined, more = true; more; ) {
          const page = await bus.deadLetters({ ...defined({ consumer, after }), limit: 7 });
          ids.push(...page.items.map(({ id }) => id));
          after = page.next;
          more = after !== undefined;
        }
        expect(ids).toHaveLength(count);
        expect(new Set(ids).size).toBe(count);
      }
      await expect(bus.deadLetters({ limit: 0 })).rejects.toMatchObject({ code: 'INVALID' });
      await expect(bus.replay('nobody/nothing')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    test("deletes a tenant's dead letters and keeps those of others", async () => {
      const of = (id: string, tenantId: string): Envelope => ({ ...event(id, 'a'), detail: { tenantId } });
      bus.subscribe({
        name: 'consumer',
        detailTypes: ['a'],
        maxAttempts: 1,
        handle: async () => Promise.reject(new Error('never')),
      });
      await bus.publish([of('1', 'gone0001'), of('2', 'kept0001'), of('3', 'gone0001'), of('4', 'gone0001x')]);
      const letters = async () => (await bus.deadLetters({ limit: 10 })).items.map((letter) => letter.event.id).sort();
      await until(async () => (await letters()).length === 4);
      await bus.forgetTenant('gone0001');
      expect(await letters()).toEqual(['2', '4']);
      await bus.forgetTenant('gone0001');
      expect(await letters()).toEqual(['2', '4']);
    });

    test('keeps events that are published while the consumer is not subscribed, and allows one subscription per name', async () => {
      const got: string[] = [];
      const consumer = { name: 'consumer', detailTypes: ['a'], handle: async ({ id }: Envelope) => void got.push(id) };
      const subscription = bus.subscribe(consumer);
      expect(() => bus.subscribe(consumer)).toThrow(expect.objectContaining({ code: 'CONFLICT' }));
      await bus.publish([event('1', 'a')]);
      await until(() => got.length === 1);
      await subscription.close();
      await bus.publish([event('2', 'a')]);
      expect(got).toEqual(['1']);
      bus.subscribe(consumer);
      await until(() => got.length === 2);
      expect(got).toEqual(['1', '2']);
    });
  });
}

function event(id: string, detailType: string): Envelope {
  return { id, source: 'test', detailType, detail: { text: `ünï ${id}` }, time: '2026-01-01T00:00:00.000Z' };
}

async function deadLetters(bus: EventBus, count: number): Promise<readonly DeadLetter[] | undefined> {
  const { items } = await bus.deadLetters({ limit: 1000 });
  return items.length >= count ? items : undefined;
}
