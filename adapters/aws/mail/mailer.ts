import { type SESv2Client, SendEmailCommand } from '@aws-sdk/client-sesv2';
import type { Mailer } from '../../../core/ports/identity.ts';
import { throwAs } from '../store/errors.ts';

/** The Mailer port over SES. @param from a sender address that SES has verified for this account */
export function openMailer(ses: SESv2Client, from: string): Mailer {
  return {
    async send({ to, subject, text }) {
      const Simple = { Subject: { Data: subject }, Body: { Text: { Data: text } } };
      const input = { FromEmailAddress: from, Destination: { ToAddresses: [to] }, Content: { Simple } };
      await ses.send(new SendEmailCommand(input)).catch(throwAs('SES'));
    },
  };
}
