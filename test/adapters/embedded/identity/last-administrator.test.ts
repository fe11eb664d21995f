import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openIdentity } from '../../../../adapters/embedded/identity/identity.ts';
import { createPasswords } from '../../../../adapters/embedded/identity/passwords.ts';
import { openMailer } from '../../../../adapters/embedded/mail/mailer.ts';
import { openTable } from '../../../../adapters/embedded/store/table.ts';
import { systemClock as clock, systemRandom as random } from '../../../../adapters/shared/clock.ts';
import { silentLog as log } from '../../../support/silent-log.ts';
import { lastAdministratorContract } from '../../contract/last-administrator.suite.ts';

lastAdministratorContract('SQLite', 60, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'tierplane-administrators-'));
  const file = join(dir, 'platform.db');
  const table = openTable({ file, clock });
  const mailer = openMailer({ table, clock, random, log });
  const passwords = createPasswords({ temporaryKey: random(32), clock, random, logN: 4 });
  const identity = openIdentity({ table, mailer, passwords, clock, random, publicUrl: 'http://platform.test' });
  await identity.ensureRealm({ id: 'pool', displayName: 'Pool' });
  return {
    identity,
    program: ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'administrator-process.ts'), file],
    async close() {
      await mailer.close();
      await table.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
});
