import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type EmbeddedMailer, type MailerOptions, openMailer } from '../../../../adapters/embedded/mail/mailer.ts';
import { openTable, type SqliteTable } from '../../../../adapters/embedded/store/table.ts';
import { systemClock, systemRandom } from '../../../../adapters/shared/clock.ts';
import type { Clock } from '../../../../core/ports/clock.ts';
import { recordingLog } from '../../../support/recording-log.ts';
import { until } from '../../../support/until.ts';

const MAIL = { to: 'ann@acme.example', subject: 'Hello', text: 'The password is tulip-42.\n' };
let dir: string;
let table: SqliteTable;
let mailer: EmbeddedMailer | undefined;
let logged: string[];
/** A clock whose timers the test runs. */
let due: (() => void)[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tierplane-mail-'));
  table = openTable({ file: join(dir, 'platform.db'), clock: systemClock });
  logged = [];
  due = [];
});
afterEach(async () => {
  await mailer?.close();
  await table.close();
  await rm(dir, { recursive: true, force: true });
});

function open(more: Partial<MailerOptions> = {}): EmbeddedMailer {
  const clock: Clock = {
    ...systemClock,
    after: (_ms, run) => {
      due.push(run);
      return { cancel: () => undefined };
    },
  };
  const log = recordingLog(logged);
  mailer = openMailer({ table, clock, random: systemRandom, log, ...more });
  return mailer;
}

async function delivery(): Promise<(string | undefined)[]> {
  return ((await mailer?.list({ limit: 100 }))?.items ?? []).map((mail) => mail.delivery);
}

/** The part of an SMTP server that a client needs. */
async function smtpServer(refuse: () => boolean) {
  const received: string[] = [];
  const server = createServer((socket) => {
    let inData = false;
    let text = '';
    socket.write('220 test\r\n');
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      if (inData) {
        text += chunk;
        if (text.endsWith('\r\n.\r\n')) {
          inData = false;
          received.push(text);
          text = '';
          socket.write('250 taken\r\n');
        }
        return;
      }
      for (const line of String(chunk).trim().split('\r\n')) {
        if (/^(EHLO|HELO)/.test(line)) socket.write('250 test\r\n');
        else if (/^RCPT/.test(line)) socket.write(refuse() ? `451 no: ${MAIL.text.trim()}\r\n` : '250 ok\r\n');
        else if (/^DATA/.test(line)) {
          inData = true;
          socket.write('354 go on\r\n');
        } else if (/^QUIT/.test(line)) socket.end('221 bye\r\n');
        else socket.write('250 ok\r\n');
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

describe('mail', () => {
  test('without SMTP is kept for the mailbox page, and counts as delivered', async () => {
    await open().send(MAIL);
    await until(async () => (await delivery())[0] === 'delivered');
    const [mail] = (await mailer?.list({ limit: 10 }))?.items ?? [];
    expect(mail).toMatchObject(MAIL);
    expect(await mailer?.get(mail?.id ?? '')).toEqual(mail);
    expect(readdirSync(dir).filter((name) => !name.startsWith('platform.db'))).toEqual([]);
  });

  test('that a crash left undelivered is delivered at the next start', async () => {
    await table.transact(open().draft(MAIL));
    await mailer?.close();
    open();
    await until(async () => (await delivery())[0] === 'delivered');
  });

  test('is listed newest first, page by page', async () => {
    open();
    for (let i = 0; i < 5; i++) {
      await mailer?.send({ ...MAIL, subject: `No. ${i}` });
      await until(async () => Date.now() > Date.parse((await mailer?.list({ limit: 1 }))?.items[0]?.sentAt ?? ''));
    }
    const first = await mailer?.list({ limit: 3 });
    const second = await mailer?.list({ limit: 3, after: first?.next ?? '' });
    const subjects = [...(first?.items ?? []), ...(second?.items ?? [])].map(({ subject }) => subject);
    expect(subjects).toEqual(['No. 4', 'No. 3', 'No. 2', 'No. 1', 'No. 0']);
  });

  test('of an owner is deleted with the owner, however many mails there are', async () => {
    open();
    for (let sent = 0; sent < 120; sent++) await table.transact(mailer?.draft(MAIL, 'pool#user-1') ?? []);
    await table.transact(mailer?.draft(MAIL, 'pool#user-10') ?? []);
    const deletions = (await mailer?.deletionOf('pool#user-1')) ?? [];
    expect(deletions.length).toBeLessThanOrEqual(50);
    await table.transact(deletions);
    expect((await mailer?.list({ limit: 1_000 }))?.items).toHaveLength(1);
    expect(await mailer?.deletionOf('pool#user-1')).toEqual([]);
  });

  test('by SMTP is sent, retried after a failure, and its text is then deleted and never logged', async () => {
    let refusing = true;
    const smtp = await smtpServer(() => refusing);
    try {
      open({ smtp: { url: smtp.url, from: 'Tierplane <noreply@tierplane.example>' } });
      await mailer?.send(MAIL);
      await until(async () => due.length > 0);
      expect(await delivery()).toEqual(['waiting']);
      refusing = false;
      due.at(-1)?.();
      await until(async () => (await delivery())[0] === 'delivered');
      expect(smtp.received).toHaveLength(1);
      expect(smtp.received[0]).toContain('tulip-42');
      const [mail] = (await mailer?.list({ limit: 1 }))?.items ?? [];
      expect(mail).toMatchObject({ subject: 'Hello', text: '' });
      expect(logged.join()).toContain('not delivered');
      expect(logged.join()).not.toContain('tulip-42');
    } finally {
      await mailer?.close();
      await smtp.close();
    }
  });
});
