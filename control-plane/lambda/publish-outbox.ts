import { drainOutbox } from '../../core/events/publisher.ts';
import { readEnvironment } from './environment.ts';
import { openBus } from './event-bus.ts';
import { functionLog } from './log.ts';
import { openStore } from './store.ts';

/** Woken by the table's stream when an event was written, and once a minute in case that failed. */
const environment = readEnvironment(process.env);
const store = openStore(environment);
const bus = openBus(environment, store);

/** Throws where the outbox is not empty yet, so that the stream asks again. */
export async function handler(): Promise<void> {
  await drainOutbox({ table: store.table, bus, log: functionLog });
}
