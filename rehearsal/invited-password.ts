import * as z from 'zod';
import type { EmulatedAccount } from './emulated-account.ts';

/** The emulator records a mail as text or as HTML. */
const SentMail = z.object({
  Subject: z.string(),
  BodyText: z.string().nullish(),
  BodyHtml: z.string().nullish(),
  To: z.array(z.string()),
});
const Mails = z.object({ messages: z.record(z.string(), z.array(SentMail)) });

export interface ReceivedMail {
  readonly subject: string;
  /** As a mail program shows it. */
  readonly text: string;
  /** Absent for a mail in plain text. */
  readonly html?: string;
}

/** The mails to this address, the latest last. */
export async function mailsTo({ endpoint }: EmulatedAccount, email: string): Promise<readonly ReceivedMail[]> {
  const response = await fetch(`${endpoint}/_ministack/ses/messages`);
  const mails = Object.values(Mails.parse(await response.json()).messages).flat();
  return mails.filter(({ To }) => To.includes(email)).map(toMail);
}

/** The temporary password from the latest invitation to this address. */
export async function invitedPassword(account: EmulatedAccount, email: string): Promise<string> {
  const mails = await mailsTo(account, email);
  const password = mails.map(({ text }) => /^Temporary password: (\S+)$/m.exec(text)?.[1]).findLast(Boolean);
  if (password === undefined) throw new Error(`no invitation was sent to ${email}`);
  return password;
}

function toMail({ Subject: subject, BodyText, BodyHtml: html }: z.output<typeof SentMail>): ReceivedMail {
  return html ? { subject, text: shown(html), html } : { subject, text: BodyText ?? '' };
}

const CHARACTERS: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

function shown(html: string): string {
  const withoutTags = html.replaceAll(/<br>\n?/g, '\n').replaceAll(/<[^>]*>/g, '');
  return withoutTags.replaceAll(/&(amp|lt|gt|quot|#39);/g, (entity, name: string) => CHARACTERS[name] ?? entity);
}
