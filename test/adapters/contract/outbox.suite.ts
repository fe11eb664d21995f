import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { DomainError } from '../../../core/errors.ts';
import { envelope } from '../../../core/events/events.ts';
import { outboxWrites } from '../../../core/events/outbox.ts';
import { OUTBOX, REJECTED } from '../../../core/events/outbox-partitions.ts';
import { drainOutbox } from '../../../core/events/publisher.ts';
import type { Envelope, EventBus } from '../../../core/ports/event-bus.ts';
import { put, type Table, type Write } from '../../../core/ports/table.ts';
import { silentLog as log } from '../../support/silent-log.ts';
import { until } from '../../support/until.ts';

export interface OpenOutbox {
  readonly table: Table;
  readonly bus: EventBus;
  close(): Promise<void>;
}

const TENANT = { tenantId: '01hzzzzzzzzzzzzzzzzzzzzzzz', tenantRegistrationId: 'reg-01hzzzzzzzzzzzzzzzzzzzzzzz' };
const event = (id: string): Envelope => envelope(id, 'offboardingRequest', TENANT, Date.UTC(2026, 0));
const STATE = { pk: 'state', sk: 'x' };

/** What the outbox must do over a home's table and bus. `open` returns both, empty. */
export function outboxContract(name: string, open: () => Promise<OpenOutbox>): void {
  describe(`the outbox over ${name}`, () => {
    let opened: OpenOutbox;
    let table: Table;
    let bus: EventBus;
    let effects: string[];

    beforeEach(async () => {
      opened = await open();
      ({ table, bus } = opened);
      effects = [];
      bus.subscribe({
        name: 'effects',
        detailTypes: ['offboardingRequest'],
        handle: async ({ id }) => void effects.push(id),
      });
      // This publish resolves when the consumer's queue exists.
      await bus.publish([]);
    });
    afterEach(async () => opened.close());

    const waiting = async (pk = OUTBOX.pk) => (await table.query({ pk, limit: 1000 })).items.map(({ sk }) => sk);
    const change = (version: number): Write => put({ ...STATE, version, data: {} });

    /** Resolves when an event published after all others has arrived, and each of the others once. */
    async function expectEffects(...ids: string[]): Promise<void> {
      await table.transact(outboxWrites([event('~last')]));
      await drainOutbox({ table, bus, log });
      await until(() => effects.includes('~last') && ids.every((id) => effects.includes(id)));
      expect([...effects].sort()).toEqual([...ids, '~last'].sort());
    }

    test('writes a state and its event together, or neither', async () => {
      await table.transact([{ ...change(1), if: 'absent' } as Write, ...outboxWrites([event('1')])]);
      const again = table.transact([{ ...change(2), if: 'absent' } as Write, ...outboxWrites([event('2')])]);
      await expect(again).rejects.toMatchObject({ code: 'CONDITION_FAILED' });
      expect(await waiting()).toEqual(['1']);
      expect((await table.get(STATE))?.version).toBe(1);
      await expectEffects('1');
    });

    test('is published completely, also beyond one batch, and is empty afterwards', async () => {
      const ids = Array.from({ length: 120 }, (_, i) => `event-${String(i).padStart(3, '0')}`);
      for (let i = 0; i < ids.length; i += 40) {
        await table.transact(outboxWrites(ids.slice(i, i + 40).map(event)));
      }
      await drainOutbox({ table, bus, log });
      expect(await waiting()).toEqual([]);
      await expectEffects(...ids);
    });

    test('keeps events that the bus refuses, and publishes them the next time', async () => {
      await table.transact(outboxWrites([event('1')]));
      const refusing = { ...bus, publish: () => Promise.reject(new DomainError('UNAVAILABLE', 'the bus is full')) };
      await expect(drainOutbox({ table, bus: refusing, log })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      expect(await waiting()).toEqual(['1']);
      await expectEffects('1');
    });

    test('publishes an event twice, with one effect, if a publisher ends between the bus and the table', async () => {
      await table.transact(outboxWrites([event('1')]));
      const ending = { ...table, transact: () => Promise.reject(new Error('killed')), query: table.query.bind(table) };
      await expect(drainOutbox({ table: ending, bus, log })).rejects.toThrow('killed');
      expect(await waiting()).toEqual(['1']);
      await expectEffects('1');
    });

    test('publishes an event with one effect if two publishers drain at the same time', async () => {
      await table.transact(outboxWrites([event('1'), event('2')]));
      await Promise.all([drainOutbox({ table, bus, log }), drainOutbox({ table, bus, log })]);
      await expectEffects('1', '2');
    });

    test('sets aside an event that cannot be parsed, and publishes those after it', async () => {
      const broken = { ...event('a-broken'), detail: { unknown: 1 } };
      await table.transact([put({ ...OUTBOX, sk: 'a-broken', version: 1, data: broken })]);
      await table.transact(outboxWrites([event('b-behind')]));
      await drainOutbox({ table, bus, log });
      expect([await waiting(), await waiting(REJECTED.pk)]).toEqual([[], ['a-broken']]);
      await expectEffects('b-behind');
    });
  });
}
