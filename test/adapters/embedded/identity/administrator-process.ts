import { openIdentity } from '../../../../adapters/embedded/identity/identity.ts';
import { createPasswords } from '../../../../adapters/embedded/identity/passwords.ts';
import { openMailer } from '../../../../adapters/embedded/mail/mailer.ts';
import { openTable } from '../../../../adapters/embedded/store/table.ts';
import { systemClock as clock, systemRandom as random } from '../../../../adapters/shared/clock.ts';
import { silentLog as log } from '../../../support/silent-log.ts';
import { serveDemotions } from '../../contract/administrator-process.ts';

/** `node administrator-process.ts FILE`: an administrator's process over the store in FILE. */
const [, , file = ''] = process.argv;
const table = openTable({ file, clock });
const mailer = openMailer({ table, clock, random, log });
const passwords = createPasswords({ temporaryKey: random(32), clock, random });
await serveDemotions(openIdentity({ table, mailer, passwords, clock, random, publicUrl: 'http://platform.test' }));
await mailer.close();
await table.close();
