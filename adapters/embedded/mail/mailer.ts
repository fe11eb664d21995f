import { appendFile, chmod } from 'node:fs/promises';
import { createTransport } from 'nodemailer';
import type { Clock, RandomBytes } from '../../../core/ports/clock.ts';
import type { Mailer } from '../../../core/ports/identity.ts';
import type { Log } from '../../../core/ports/log.ts';
import {
  type Item,
  type JsonObject,
  type Key,
  type ListedItem,
  type Partition,
  put,
  type Table,
  type Write,
} from '../../../core/ports/table.ts';
import { newId } from '../../../core/tenant/names.ts';

export type Mail = Parameters<Mailer['send']>[0];

export interface StoredMail {
  readonly id: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** ISO 8601, UTC. */
  readonly sentAt: string;
  readonly delivery: 'waiting' | 'delivered' | 'failed';
}

export interface MailPage {
  readonly items: readonly StoredMail[];
  readonly next?: string;
}

export interface EmbeddedMailer extends Mailer {
  /**
   * A mail as writes, for the transaction that gives cause to it; `deliver()` after the commit. A crash between the two
   * only delays it until the next start.
   * @param owner whose deletion takes the mail away
   */
  draft(mail: Mail, owner?: string): readonly Write[];
  deliver(): void;
  /** Newest first. `limit` 1..1000 */
  list(page: { readonly after?: string; readonly limit: number }): Promise<MailPage>;
  get(id: string): Promise<StoredMail | undefined>;
  /** Deletes of all mails of `owner`. */
  forget(owner: string): Promise<readonly Write[]>;
  /** Ends after what is being delivered. */
  close(): Promise<void>;
}

export interface MailerOptions {
  readonly table: Table;
  /** One JSON line per mail, mode 0600; not written where SMTP is configured. */
  readonly file: string;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  readonly smtp?: { readonly url: string; readonly from: string };
}

interface Record extends JsonObject {
  to: string;
  subject: string;
  text: string;
  sentAt: string;
  delivery: StoredMail['delivery'];
  attempts: number;
  data: JsonObject;
}

const MAILS: Partition<Record> = { pk: 'mail' };
const WAITING: Partition<Record> = { index: 'g1', pk: 'mail-waiting' };

const keyOf = (id: string): Key<Record> => ({ pk: MAILS.pk, sk: id });

/** Invitations are good for 7 days; nobody looks for them after 30. */
const KEEP_SECONDS = 30 * 86_400;
const MAX_ATTEMPTS = 10;
const RETRY_MS = 30_000;
const SMTP_TIMEOUT_MS = 20_000;

/**
 * Mail as the embedded home has it: kept in the table (the mailbox page reads it there) and appended to a file, or sent
 * by SMTP where configured, in which case the text is forgotten once it is delivered. Undelivered mail is tried again.
 */
export function openMailer(options: MailerOptions): EmbeddedMailer {
  const { table, clock, random, log } = options;
  const transport = options.smtp ? smtpTransport(options.smtp) : fileTransport(options.file);
  let running: Promise<void> | undefined;
  let again = false;
  let closed = false;
  let retry: { cancel(): void } | undefined;

  function draft(mail: Mail, owner?: string): Write[] {
    const now = clock.now();
    const id = newId(now, random);
    const { to, subject, text } = mail;
    const record: Record = {
      to,
      subject,
      text,
      sentAt: new Date(now).toISOString(),
      delivery: 'waiting',
      attempts: 0,
      data: mail.data ?? {},
    };
    const indexes = {
      g1: { pk: WAITING.pk, sk: id },
      ...(owner !== undefined && { g2: { pk: ownerKey(owner), sk: id } }),
    };
    const item: Item<Record> = {
      ...keyOf(id),
      version: 1,
      data: record,
      indexes,
      expiresAt: Math.floor(now / 1000) + KEEP_SECONDS,
    };
    return [put(item)];
  }

  /** Delivers what is waiting, oldest first, until nothing is left or something failed. */
  async function run(): Promise<void> {
    do {
      again = false;
      const page = await table.query({ ...WAITING, limit: 50 });
      for (const item of page.items) {
        if (closed) return;
        await deliverOne(item);
      }
      if (page.next !== undefined) again = true;
    } while (again && !closed);
  }

  async function deliverOne(key: Key<Record>): Promise<void> {
    const item = await table.get(key);
    if (!item) return;
    try {
      await transport.send(item.data);
      const text = transport.forgets ? '' : item.data.text;
      await replace(item, { ...item.data, text, delivery: 'delivered' });
    } catch (error) {
      const attempts = item.data.attempts + 1;
      const failed = attempts >= MAX_ATTEMPTS;
      log.warn({ mail: item.sk, attempts, reason: reasonOf(error), failed }, 'mail was not delivered');
      await replace(item, { ...item.data, attempts, delivery: failed ? 'failed' : 'waiting' });
      throw error;
    }
  }

  async function replace(item: Item<Record>, data: Record): Promise<void> {
    const { g1, ...others } = item.indexes ?? {};
    const indexes = data.delivery === 'waiting' && g1 ? { g1, ...others } : others;
    // Deleted meanwhile: then it stays so.
    const write: Write = put({ ...item, version: item.version + 1, data, indexes }, { version: item.version });
    await table.transact([write]).catch(() => undefined);
  }

  function deliver(): void {
    if (closed) return;
    again = true;
    running ??= run()
      .catch(() => {
        retry?.cancel();
        retry = clock.after(RETRY_MS, deliver);
      })
      .finally(() => {
        running = undefined;
      });
  }

  deliver();

  return {
    draft,
    deliver,
    async send(mail) {
      await table.transact(draft(mail));
      deliver();
    },
    async list({ after, limit }) {
      const page = await table.query({
        ...MAILS,
        limit,
        descending: true,
        ...(after !== undefined && { after }),
      });
      return { items: page.items.map(toMail), ...(page.next !== undefined && { next: page.next }) };
    },
    async get(id) {
      const item = await table.get(keyOf(id));
      return item && toMail(item);
    },
    async forget(owner) {
      const { items } = await table.query({ pk: ownerKey(owner), index: 'g2', limit: 50 });
      return items.map(({ pk, sk }) => ({ delete: { pk, sk } }));
    },
    async close() {
      closed = true;
      retry?.cancel();
      await running;
      await transport.close();
    },
  };
}

function ownerKey(owner: string): string {
  return `mail-of#${owner}`;
}

function toMail({ sk, data: { to, subject, text, sentAt, delivery } }: ListedItem<Record>): StoredMail {
  return { id: sk, to, subject, text, sentAt, delivery };
}

interface Transport {
  /** Whether the text is not to be kept once it was sent. */
  readonly forgets: boolean;
  send(mail: Record): Promise<void>;
  close(): Promise<void>;
}

function fileTransport(file: string): Transport {
  let guarded = false;
  return {
    forgets: false,
    async send({ to, subject, text, sentAt }) {
      await appendFile(file, `${JSON.stringify({ to, subject, text, sentAt })}\n`, { mode: 0o600 });
      // The mode above counts for a new file only.
      if (!guarded) await chmod(file, 0o600);
      guarded = true;
    },
    close: async () => undefined,
  };
}

function smtpTransport({ url, from }: { readonly url: string; readonly from: string }): Transport {
  const transporter = createTransport(
    { url, connectionTimeout: SMTP_TIMEOUT_MS, greetingTimeout: SMTP_TIMEOUT_MS, socketTimeout: SMTP_TIMEOUT_MS },
    { from },
  );
  return {
    forgets: true,
    async send({ to, subject, text }) {
      await transporter.sendMail({ to, subject, text });
    },
    close: async () => transporter.close(),
  };
}

/** The server's code only: its answer may quote the mail. */
function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}
