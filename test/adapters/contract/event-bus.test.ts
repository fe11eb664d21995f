import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import type { DeliveryOptions } from '../../../adapters/embedded/events/delivery.ts';
import { type EmbeddedEventBus, openEventBus } from '../../../adapters/embedded/events/event-bus.ts';
import { Database } from '../../../adapters/embedded/store/database.ts';
import { systemClock, systemRandom } from '../../../adapters/shared/clock.ts';
import type { Envelope } from '../../../core/ports/event-bus.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { silentLog } from '../../support/silent-log.ts';
import { until } from '../../support/until.ts';
import { eventBusContract } from './event-bus.suite.ts';

const directory = mkdtempSync(join(tmpdir(), 'tierplane-bus-'));
afterAll(() => rmSync(directory, { recursive: true }));

let files = 0;
const newFile = (): string => join(directory, `${files++}.db`);

interface Opened {
  readonly bus: EmbeddedEventBus;
  readonly database: Database;
  close(): Promise<void>;
}

function open(file: string, options: Partial<DeliveryOptions> = {}): Opened {
  const database = new Database({ file, synchronous: 'normal' });
  const bus = openEventBus({ database, clock: systemClock, random: systemRandom, log: silentLog, ...options });
  return {
    bus,
    database,
    async close() {
      await bus.close();
      await database.close();
    },
  };
}

const event = (id: string, detailType = 'a'): Envelope => ({
  id,
  source: 'test',
  detailType,
  detail: {},
  time: '2026-01-01T00:00:00.000Z',
});

const count = (database: Database, table: 'deliveries' | 'events'): number =>
  Number(database.statement(`SELECT count(*) AS n FROM ${table}`).get()?.n);

eventBusContract('EmbeddedEventBus', async () => open(newFile(), { retryBaseMs: 4, retryMaxMs: 8 }));

describe('EmbeddedEventBus', () => {
  test('delivers every event without timers: publishing wakes the consumers', async () => {
    const opened = open(newFile(), { clock: new ManualClock() });
    const got: string[] = [];
    try {
      opened.bus.subscribe({ name: 'consumer', detailTypes: ['a'], handle: async ({ id }) => void got.push(id) });
      await opened.bus.publish(Array.from({ length: 100 }, (_, i) => event(`${i}`)));
      await until(() => got.length === 100);
      await opened.bus.publish([event('last')]);
      await until(() => got.length === 101);
      await until(() => count(opened.database, 'deliveries') === 0);
    } finally {
      await opened.close();
    }
  });

  test('waits twice as long after each failure, up to a limit, less up to half by chance', async () => {
    for (const [byte, waits] of [
      [0, [1000, 2000, 4000, 5000, 5000]],
      [255, [502, 1004, 2008, 2510, 2510]],
    ] as const) {
      const clock = new ManualClock();
      const opened = open(newFile(), {
        clock,
        random: (n) => new Uint8Array(n).fill(byte),
        retryBaseMs: 1000,
        retryMaxMs: 5000,
        sweepMs: 3_600_000,
      });
      let attempts = 0;
      const postponed = () => count(opened.database, 'deliveries') === 1 && dueAt(opened.database) > clock.now();
      try {
        opened.bus.subscribe({
          name: 'consumer',
          detailTypes: ['a'],
          async handle() {
            attempts++;
            throw new Error('no');
          },
        });
        await opened.bus.publish([event('1')]);
        for (const [i, waitMs] of waits.entries()) {
          await until(() => attempts === i + 1 && postponed());
          expect(dueAt(opened.database) - clock.now()).toBe(waitMs);
          clock.advance(waitMs);
          await until(() => attempts === i + 2);
        }
      } finally {
        await opened.close();
      }
    }
  });

  test('delivers events at once that were queued or postponed before the system clock was set back', async () => {
    const clock = new ManualClock();
    const file = newFile();
    const consumer = { name: 'consumer', detailTypes: ['a'] };
    const before = open(file, { clock });
    const fails = async () => Promise.reject(new Error('not yet'));
    before.bus.subscribe({ ...consumer, handle: fails });
    await before.bus.publish([event('postponed')]);
    await until(() => count(before.database, 'deliveries') === 1 && dueAt(before.database) > clock.now());
    await before.close();
    // Two hours earlier by its own clock.
    const after = open(file, { clock: new ManualClock(clock.now() - 7_200_000) });
    const got: string[] = [];
    try {
      after.bus.subscribe({ ...consumer, handle: async ({ id }) => void got.push(id) });
      await until(() => got.length === 1 && count(after.database, 'deliveries') === 0);
    } finally {
      await after.close();
    }
  });

  test('redelivers events that were in flight at a restart, and none that were handled', async () => {
    const file = newFile();
    const first = open(file);
    const hung = Promise.withResolvers<void>();
    const seen: string[] = [];
    first.bus.subscribe({
      name: 'consumer',
      detailTypes: ['a'],
      concurrency: 2,
      async handle({ id }) {
        seen.push(id);
        if (id === 'hangs') await hung.promise;
      },
    });
    await first.bus.publish([event('done'), event('hangs')]);
    await until(() => seen.length === 2 && count(first.database, 'deliveries') === 1);

    // The first bus stands for a dead process: its handler has not ended when the second bus starts.
    const second = open(file);
    const again: string[] = [];
    try {
      second.bus.subscribe({ name: 'consumer', detailTypes: ['a'], handle: async ({ id }) => void again.push(id) });
      await until(() => count(second.database, 'deliveries') === 0);
      expect(again).toEqual(['hangs']);
    } finally {
      hung.resolve();
      await second.close();
      await first.close();
    }
  });

  test('delivers earlier events to a consumer that subscribes for the first time', async () => {
    const file = newFile();
    const first = open(file);
    await first.bus.publish([event('1', 'a'), event('2', 'b')]);
    await first.close();
    const second = open(file);
    const got: string[] = [];
    const consumer = { name: 'late', handle: async ({ id }: Envelope) => void got.push(id) };
    try {
      const subscription = second.bus.subscribe({ ...consumer, detailTypes: ['a'] });
      await until(() => got.length === 1 && count(second.database, 'deliveries') === 0);
      await subscription.close();
      // A new type delivers the earlier events of that type; handled events are not delivered again.
      second.bus.subscribe({ ...consumer, detailTypes: ['a', 'b'] });
      await until(() => got.length === 2);
      expect(got).toEqual(['1', '2']);
    } finally {
      await second.close();
    }
  });

  test('waits for handlers in flight when it is closed, and starts no more', async () => {
    const file = newFile();
    const opened = open(file);
    const gate = Promise.withResolvers<void>();
    const got: string[] = [];
    opened.bus.subscribe({
      name: 'consumer',
      detailTypes: ['a'],
      async handle({ id }) {
        got.push(`begin ${id}`);
        await gate.promise;
        got.push(`end ${id}`);
      },
    });
    await opened.bus.publish([event('1'), event('2')]);
    await until(() => got.length === 1);
    const closed = opened.close();
    gate.resolve();
    await closed;
    expect(got).toEqual(['begin 1', 'end 1']);
    const database = new Database({ file });
    try {
      expect(count(database, 'deliveries')).toBe(1);
    } finally {
      await database.close();
    }
  });

  test('deletes events after a week, except those that wait for delivery or may be replayed', async () => {
    const clock = new ManualClock();
    const opened = open(newFile(), { clock });
    try {
      opened.bus.subscribe({
        name: 'consumer',
        detailTypes: ['a'],
        maxAttempts: 1,
        async handle({ id }) {
          if (id === 'dead') throw new Error('no');
        },
      });
      const away = opened.bus.subscribe({ name: 'away', detailTypes: ['b'], async handle() {} });
      await opened.bus.publish([event('first', 'b')]);
      await until(() => count(opened.database, 'deliveries') === 0);
      await away.close();
      await opened.bus.publish([event('handled'), event('dead'), event('waiting', 'b')]);
      await until(() => count(opened.database, 'deliveries') === 1);
      clock.advance(6 * 24 * 3600 * 1000);
      await opened.bus.publish([event('recent')]);
      await until(() => count(opened.database, 'deliveries') === 1);
      clock.advance(2 * 24 * 3600 * 1000);
      await until(() => {
        clock.advance(60_000);
        return count(opened.database, 'events') === 3;
      });
      const left = opened.database.statement('SELECT id FROM events ORDER BY id').all();
      expect(left.map(({ id }) => id)).toEqual(['dead', 'recent', 'waiting']);
    } finally {
      await opened.close();
    }
  });

  test('refuses a consumer with an invalid name or without concurrency', async () => {
    const opened = open(newFile());
    const consumer = { name: 'fine', detailTypes: ['a'], async handle() {} };
    try {
      for (const wrong of [{ name: 'a/b' }, { name: '' }, { concurrency: 0 }, { maxAttempts: 0 }]) {
        expect(() => opened.bus.subscribe({ ...consumer, ...wrong })).toThrow(
          expect.objectContaining({ code: 'INVALID' }),
        );
      }
    } finally {
      await opened.close();
    }
  });
});

function dueAt(database: Database): number {
  return Number(database.statement('SELECT due_at FROM deliveries').get()?.due_at);
}
