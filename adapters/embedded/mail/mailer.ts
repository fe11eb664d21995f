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
import { fileTransport, smtpTransport } from './mail-transport.ts';

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
   * The writes that queue a mail, for the transaction that causes it. Call `deliver` after the commit; a crash between the
   * two only delays the mail until the next start.
   * @param owner `deletionOf` deletes the mail with its owner. @default - none
   */
  draft(mail: Mail, owner?: string): readonly Write[];
  /** Starts to deliver the queued mails. */
  deliver(): void;
  /** Mails, newest first. `limit` is 1..1000. */
  list(page: { readonly after?: string; readonly limit: number }): Promise<MailPage>;
  get(id: string): Promise<StoredMail | undefined>;
  /** The writes that delete all mails of `owner`. */
  deletionOf(owner: string): Promise<readonly Write[]>;
  /** Stops delivery. Resolves when the delivery under way has ended. */
  close(): Promise<void>;
}

export interface MailerOptions {
  readonly table: Table;
  /** Holds one JSON line per mail, mode 0600. Not written if SMTP is configured. */
  readonly file: string;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  readonly smtp?: { readonly url: string; readonly from: string };
}

interface MailRecord extends JsonObject {
  to: string;
  subject: string;
  text: string;
  sentAt: string;
  delivery: StoredMail['delivery'];
  attempts: number;
  data: JsonObject;
}

const MAILS: Partition<MailRecord> = { pk: 'mail' };
const WAITING: Partition<MailRecord> = { index: 'g1', pk: 'mail-waiting' };

const keyOf = (id: string): Key<MailRecord> => ({ pk: MAILS.pk, sk: id });

/** Invitations are valid for 7 days. */
const KEEP_SECONDS = 30 * 86_400;
const MAX_ATTEMPTS = 10;
const RETRY_MS = 30_000;

/**
 * The Mailer port of the embedded home. Mail is kept in the table, where the mailbox page reads it, and appended to a file,
 * or sent by SMTP if configured. The text of a mail sent by SMTP is deleted after delivery. Failed deliveries are retried.
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
    const record: MailRecord = {
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
    const item: Item<MailRecord> = {
      ...keyOf(id),
      version: 1,
      data: record,
      indexes,
      expiresAt: Math.floor(now / 1000) + KEEP_SECONDS,
    };
    return [put(item)];
  }

  /** Delivers the queued mails, oldest first, until none is left or a delivery fails. */
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

  async function deliverOne(key: Key<MailRecord>): Promise<void> {
    const item = await table.get(key);
    if (!item) return;
    try {
      await transport.send(item.data);
      const text = transport.keepsText ? item.data.text : '';
      await replace(item, { ...item.data, text, delivery: 'delivered' });
    } catch (error) {
      const attempts = item.data.attempts + 1;
      const failed = attempts >= MAX_ATTEMPTS;
      log.warn({ mail: item.sk, attempts, reason: reasonOf(error), failed }, 'mail was not delivered');
      await replace(item, { ...item.data, attempts, delivery: failed ? 'failed' : 'waiting' });
      throw error;
    }
  }

  async function replace(item: Item<MailRecord>, data: MailRecord): Promise<void> {
    const { g1, ...others } = item.indexes ?? {};
    const indexes = data.delivery === 'waiting' && g1 ? { g1, ...others } : others;
    // The condition fails if the mail was deleted meanwhile; it then stays deleted.
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
    async deletionOf(owner) {
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

function toMail({ sk, data: { to, subject, text, sentAt, delivery } }: ListedItem<MailRecord>): StoredMail {
  return { id: sk, to, subject, text, sentAt, delivery };
}

/** Only the error code: the server's response may quote the mail. */
function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}
