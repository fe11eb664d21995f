import * as z from 'zod';
import type { EmulatedAccount } from './emulated-account.ts';

const Mails = z.object({
  messages: z.record(z.string(), z.array(z.object({ BodyText: z.string(), To: z.array(z.string()) }))),
});

/** The temporary password from the latest invitation to this address. */
export async function invitedPassword({ endpoint }: EmulatedAccount, email: string): Promise<string> {
  const response = await fetch(`${endpoint}/_ministack/ses/messages`);
  const mails = Object.values(Mails.parse(await response.json()).messages).flat();
  const password = mails
    .filter(({ To }) => To.includes(email))
    .map(({ BodyText }) => /temporary password(?: is|:)? (\S+)/i.exec(BodyText)?.[1])
    .findLast(Boolean);
  if (password === undefined) throw new Error(`no invitation was sent to ${email}`);
  return password;
}
