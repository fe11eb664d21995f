import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTable } from '../../../adapters/embedded/store/table.ts';
import { systemClock } from '../../../adapters/shared/clock.ts';
import { openFakeIdentity } from '../../app-plane/provisioner/fake-identity.ts';
import { FakeMeteringKeys } from '../../app-plane/provisioner/fake-metering-keys.ts';
import { FakeRuntime, FakeTenantData } from '../../app-plane/provisioner/fake-runtime.ts';
import { SIZE } from '../embedded/runtime/platform.ts';
import { identityContract } from './identity.suite.ts';
import { meteringKeysContract } from './metering-keys.suite.ts';
import { runtimeContract } from './runtime.suite.ts';
import { tenantDataContract } from './tenant-data.suite.ts';

/** The stand-ins of the provisioner's tests behave as the adapters do. */
const CALLS = { withinMs: 1_000, close: async () => undefined };

runtimeContract('the fake runtime', async () => ({
  ...{ runtime: new FakeRuntime(), service: 'echo', otherService: 'other', size: SIZE, ...CALLS },
}));

tenantDataContract('the fake data', async () => ({ data: new FakeTenantData(new FakeRuntime()), ...CALLS }));

meteringKeysContract('the fake service', async () => {
  const keys = new FakeMeteringKeys();
  const found = async (tenantId: string) => {
    const key = keys.keys.get(tenantId);
    return key ? [{ value: key.value, tiers: [key.tier] }] : [];
  };
  return { keys, found, close: async () => undefined };
});

identityContract('the fake identity', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'tierplane-fake-identity-'));
  const table = openTable({ file: join(directory, 'identity.db'), clock: systemClock });
  return {
    ...{ identity: openFakeIdentity(table, systemClock), table },
    async close() {
      await table.close();
      rmSync(directory, { recursive: true });
    },
  };
});
