import { functionLog } from '../../adapters/aws/log.ts';
import { drainOutbox } from '../../core/events/publisher.ts';
import { readEnvironment } from './environment.ts';
import { openBus } from './event-bus.ts';
import { openStore } from './store.ts';

/** Triggered by the table's stream when an event is written, and every minute as a fallback. */
const environment = readEnvironment(process.env);
const store = openStore(environment);
const bus = openBus(environment, store);

/** @throws if events remain in the outbox, so that the stream invokes the function again */
export async function handler(): Promise<void> {
  await drainOutbox({ table: store.table, bus, log: functionLog });
}
