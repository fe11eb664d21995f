import { createUserStore } from '../../../core/identity/users/user-store.ts';
import { identityContract } from '../../adapters/contract/identity.suite.ts';
import { openScratchTable } from '../../support/scratch-table.ts';
import { ServiceCredentials } from '../../support/service-credentials.ts';

identityContract('the user store over a fake credentials service', async () => {
  const { table, clock, close } = await openScratchTable();
  return { identity: createUserStore({ table, clock, credentials: new ServiceCredentials() }), table, close };
});
