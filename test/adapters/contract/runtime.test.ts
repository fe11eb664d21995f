import { join } from 'node:path';
import { createPlaces } from '../../../adapters/embedded/runtime/places.ts';
import { openTable } from '../../../adapters/embedded/store/table.ts';
import { systemClock } from '../../../adapters/shared/clock.ts';
import { TIERS } from '../../../tenant-templates/tiers.ts';
import { deploy, pooled, SIZE, startPlatform } from '../embedded/runtime/platform.ts';
import { placesContract } from './places.suite.ts';
import { runtimeContract } from './runtime.suite.ts';
import { tenantDataContract } from './tenant-data.suite.ts';

const WITHIN_MS = 30_000;

runtimeContract('the embedded supervisor', async () => {
  // One test waits for this long.
  const { runtime, remove: close } = await startPlatform({ healthyWithinMs: 15_000 });
  return {
    runtime,
    failing: { FAILURE: 'exit' },
    service: 'echo',
    otherService: 'other',
    size: SIZE,
    withinMs: WITHIN_MS,
    close,
  };
});

tenantDataContract('the data directory', async () => {
  const { runtime, dataDir, remove } = await startPlatform();
  await deploy(runtime, [pooled()]);
  const pool = openTable({ file: join(dataDir, 'tenants/pool/echo.db'), clock: systemClock });
  return {
    data: runtime.data,
    pooled: pool,
    withinMs: WITHIN_MS,
    async close() {
      await pool.close();
      await remove();
    },
  };
});

placesContract('one machine', async () => ({ places: createPlaces(TIERS), close: async () => undefined }));
