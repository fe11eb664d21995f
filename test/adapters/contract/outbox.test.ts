import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEventBus } from '../../../adapters/embedded/events/event-bus.ts';
import { openTable } from '../../../adapters/embedded/store/table.ts';
import { systemClock, systemRandom } from '../../../adapters/shared/clock.ts';
import { silentLog } from '../../support/silent-log.ts';
import { outboxContract } from './outbox.suite.ts';

outboxContract('the embedded home', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'tierplane-outbox-'));
  const table = openTable({ file: join(directory, 'platform.db'), clock: systemClock });
  const bus = openEventBus({ database: table.database, clock: systemClock, random: systemRandom, log: silentLog });
  return {
    ...{ table, bus },
    async close() {
      await bus.close();
      await table.close();
      rmSync(directory, { recursive: true });
    },
  };
});
