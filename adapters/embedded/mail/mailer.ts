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
import { newId } from '../../../core/tenant/ids.ts';
import { MAILBOX_ONLY, type MailTransport, smtpTransport } from './mail-transport.ts';

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
  /**
   * The writes that delete the mails of `owner`, for the transaction that deletes the owner. If there are more than fit
   * into it, deletes the oldest at once, so that at most 50 writes remain.
   */
  deletionOf(owner: string): Promise<readonly Write[]>;
  /** Stops delivery. Resolves when the delivery under way has ended. */
  close(): Promise<void>;
}

export interface MailerOptions {
  readonly table: Table;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  /** @default - mails stay in the mailbox, and count as delivered */
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

/** Longer than invitations are valid, which is 7 days. */
const KEEP_SECONDS = 30 * 86_400;
const MAX_ATTEMPTS = 10;
const RETRY_MS = 30_000;
const MAX_DELETIONS = 50;

/**
 * The Mailer port of the embedded home. Mail is kept in the table, where the mailbox page reads it, and sent by SMTP if
 * configured. The text of a mail sent by SMTP is deleted after delivery. Failed deliveries are retried.
 */
export function openMailer(options: MailerOptions): EmbeddedMailer {
  const mailer = new TableMailer(options);
  mailer.deliver();
  return mailer;
}

class TableMailer implements EmbeddedMailer {
  readonly #options: MailerOptions;
  readonly #transport: MailTransport;
  #running: Promise<void> | undefined;
  /** More mail was queued during the current run. */
  #again = false;
  #closed = false;
  #retry: { cancel(): void } | undefined;

  constructor(options: MailerOptions) {
    this.#options = options;
    this.#transport = options.smtp ? smtpTransport(options.smtp) : MAILBOX_ONLY;
  }

  draft(mail: Mail, owner?: string): readonly Write[] {
    const { clock, random } = this.#options;
    const now = clock.now();
    const id = newId(now, random);
    return [
      put({
        ...keyOf(id),
        version: 1,
        data: newRecord(mail, now),
        indexes: {
          g1: { pk: WAITING.pk, sk: id },
          ...(owner !== undefined && { g2: { pk: ownerKey(owner), sk: id } }),
        },
        expiresAt: Math.floor(now / 1000) + KEEP_SECONDS,
      }),
    ];
  }

  deliver(): void {
    if (this.#closed) return;
    this.#again = true;
    this.#running ??= this.#run()
      .catch(() => {
        this.#retry?.cancel();
        this.#retry = this.#options.clock.after(RETRY_MS, () => this.deliver());
      })
      .finally(() => {
        this.#running = undefined;
      });
  }

  async send(mail: Mail): Promise<void> {
    await this.#options.table.transact(this.draft(mail));
    this.deliver();
  }

  async list({ after, limit }: { readonly after?: string; readonly limit: number }): Promise<MailPage> {
    const position = after === undefined ? {} : { after };
    const page = await this.#options.table.query({ ...MAILS, limit, descending: true, ...position });
    return { items: page.items.map(toMail), ...(page.next !== undefined && { next: page.next }) };
  }

  async get(id: string): Promise<StoredMail | undefined> {
    const item = await this.#options.table.get(keyOf(id));
    return item && toMail(item);
  }

  async deletionOf(owner: string): Promise<readonly Write[]> {
    const { table } = this.#options;
    for (;;) {
      const { items, next } = await table.query({ pk: ownerKey(owner), index: 'g2', limit: MAX_DELETIONS });
      const deletions = items.map(({ pk, sk }): Write => ({ delete: { pk, sk } }));
      if (next === undefined) return deletions;
      await table.transact(deletions);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#retry?.cancel();
    await this.#running;
    await this.#transport.close();
  }

  /** Delivers the queued mails, oldest first, until none is left or a delivery fails. */
  async #run(): Promise<void> {
    do {
      this.#again = false;
      const page = await this.#options.table.query({ ...WAITING, limit: 50 });
      for (const item of page.items) {
        if (this.#closed) return;
        await this.#deliverOne(item);
      }
      if (page.next !== undefined) this.#again = true;
    } while (this.#again && !this.#closed);
  }

  async #deliverOne(key: Key<MailRecord>): Promise<void> {
    const item = await this.#options.table.get(key);
    if (!item) return;
    try {
      await this.#transport.send(item.data);
      const text = this.#transport.keepsText ? item.data.text : '';
      await this.#replace(item, { ...item.data, text, delivery: 'delivered' });
    } catch (error) {
      const attempts = item.data.attempts + 1;
      const failed = attempts >= MAX_ATTEMPTS;
      this.#options.log.warn({ mail: item.sk, attempts, reason: codeOf(error), failed }, 'mail was not delivered');
      await this.#replace(item, { ...item.data, attempts, delivery: failed ? 'failed' : 'waiting' });
      throw error;
    }
  }

  async #replace(item: Item<MailRecord>, data: MailRecord): Promise<void> {
    const { g1, ...others } = item.indexes ?? {};
    const indexes = data.delivery === 'waiting' && g1 ? { g1, ...others } : others;
    const write = put({ ...item, version: item.version + 1, data, indexes }, { version: item.version });
    // The condition fails if the mail was deleted meanwhile; it then stays deleted.
    await this.#options.table.transact([write]).catch(() => undefined);
  }
}

function newRecord({ to, subject, text, data = {} }: Mail, nowMs: number): MailRecord {
  return { to, subject, text, sentAt: new Date(nowMs).toISOString(), delivery: 'waiting', attempts: 0, data };
}

function ownerKey(owner: string): string {
  return `mail-of#${owner}`;
}

function toMail({ sk, data: { to, subject, text, sentAt, delivery } }: ListedItem<MailRecord>): StoredMail {
  return { id: sk, to, subject, text, sentAt, delivery };
}

/** Only the error code: the server's response may quote the mail. */
function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}
