import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SESv2Client } from '@aws-sdk/client-sesv2';
import { describe, expect, test } from '@jest/globals';
import { openMailer as openSesMailer } from '../../../adapters/aws/mail/mailer.ts';
import { openMailer } from '../../../adapters/embedded/mail/mailer.ts';
import { openTable } from '../../../adapters/embedded/store/table.ts';
import { systemClock, systemRandom } from '../../../adapters/shared/clock.ts';
import { closeServer, listen } from '../../support/http-server.ts';
import { silentLog } from '../../support/silent-log.ts';
import { until } from '../../support/until.ts';
import { mailerContract, type ReceivedMail } from './mailer.suite.ts';

/** The mails that have arrived since the last call. */
function inbox(all: () => readonly ReceivedMail[]): (count: number) => Promise<readonly ReceivedMail[]> {
  let seen = 0;
  return async (count) => {
    await until(() => all().length - seen >= count);
    const fresh = all().slice(seen);
    seen += fresh.length;
    return fresh;
  };
}

/** As `inbox`, for mails in no particular order. */
function mailbox(all: () => Promise<readonly (ReceivedMail & { readonly id: string })[]>) {
  const seen = new Set<string>();
  return async (count: number): Promise<readonly ReceivedMail[]> => {
    const fresh = await until(async () => {
      const unseen = (await all()).filter(({ id }) => !seen.has(id));
      return unseen.length >= count && unseen;
    });
    for (const { id } of fresh) seen.add(id);
    return fresh.map(({ id: _, ...mail }) => mail).reverse();
  };
}

mailerContract('the embedded mailbox', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'tierplane-mailer-'));
  const table = openTable({ file: join(directory, 'platform.db'), clock: systemClock });
  const mailer = openMailer({ table, clock: systemClock, random: systemRandom, log: silentLog });
  const delivered = async () => {
    const { items } = await mailer.list({ limit: 1_000 });
    return items.filter(({ delivery }) => delivery === 'delivered').map(({ id, ...mail }) => ({ id, ...pick(mail) }));
  };
  return {
    mailer,
    received: mailbox(delivered),
    async close() {
      await mailer.close();
      await table.close();
      rmSync(directory, { recursive: true });
    },
  };
});

mailerContract('SES', async () => {
  const ses = await startSes();
  return { mailer: ses.mailer, received: inbox(() => ses.mails), close: ses.close };
});

describe('SES', () => {
  test('sends from the verified address, and reports a mail that is not accepted as UNAVAILABLE', async () => {
    const ses = await startSes();
    try {
      const mail = { to: 'ann@acme.example', subject: 'Hello', text: 'Hello' };
      await ses.mailer.send(mail);
      expect(ses.senders).toEqual(['tierplane@example.com']);
      ses.refuse = true;
      await expect(ses.mailer.send(mail)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    } finally {
      await ses.close();
    }
  });
});

function pick({ to, subject, text }: ReceivedMail): ReceivedMail {
  return { to, subject, text };
}

interface SentEmail {
  readonly FromEmailAddress: string;
  readonly Destination: { readonly ToAddresses: readonly [string] };
  readonly Content: {
    readonly Simple: {
      readonly Subject: { readonly Data: string };
      readonly Body: { readonly Text: { readonly Data: string } };
    };
  };
}

/** The one operation of SES that the adapter calls. @see https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html */
async function startSes() {
  const mails: ReceivedMail[] = [];
  const senders: string[] = [];
  const state = { refuse: false };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.setHeader('content-type', 'application/json');
      if (state.refuse || request.url !== '/v2/email/outbound-emails') {
        response.writeHead(429, { 'x-amzn-errortype': 'TooManyRequestsException' });
        return response.end('{"message":"slow down"}');
      }
      const { FromEmailAddress, Destination, Content } = JSON.parse(Buffer.concat(chunks).toString()) as SentEmail;
      senders.push(FromEmailAddress);
      const { Subject, Body } = Content.Simple;
      mails.push({ to: Destination.ToAddresses[0], subject: Subject.Data, text: Body.Text.Data });
      response.end('{"MessageId":"1"}');
    });
  });
  const { url } = await listen(server);
  const client = new SESv2Client({
    endpoint: url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
    maxAttempts: 1,
  });
  return Object.assign(state, {
    mailer: openSesMailer(client, 'tierplane@example.com'),
    mails,
    senders,
    async close() {
      client.destroy();
      await closeServer(server);
    },
  });
}
