import { openEventBus } from '../adapters/embedded/events/event-bus.ts';
import { OUTBOX } from '../core/events/outbox-partitions.ts';
import { startPublisher } from '../core/events/publisher.ts';
import type { EventBus } from '../core/ports/event-bus.ts';
import type { PlatformStore } from './open-store.ts';
import type { StartContext } from './start-context.ts';

/** Opens the event bus, with a publisher that moves events to it as soon as they are committed to the outbox. */
export function openEvents({ clock, random, log, cleanUp }: StartContext, { table }: PlatformStore): EventBus {
  const bus = openEventBus({ database: table.database, clock, random, log });
  cleanUp.defer(() => bus.close());
  const publisher = startPublisher({ table, bus, clock, log });
  cleanUp.defer(() => publisher.close());
  table.onCommit((pks) => {
    if (pks.includes(OUTBOX.pk)) publisher.wake();
  });
  return bus;
}
