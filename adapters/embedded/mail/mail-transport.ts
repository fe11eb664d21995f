import { createTransport } from 'nodemailer';

const SMTP_TIMEOUT_MS = 20_000;

export interface OutgoingMail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** ISO 8601, UTC. */
  readonly sentAt: string;
}

export interface MailTransport {
  /** Whether the mailbox keeps the text after delivery. */
  readonly keepsText: boolean;
  send(mail: OutgoingMail): Promise<void>;
  close(): Promise<void>;
}

/** Delivers nowhere: the mailbox has the mail already. */
export const MAILBOX_ONLY: MailTransport = {
  keepsText: true,
  send: async () => undefined,
  close: async () => undefined,
};

/** Sends each mail by SMTP. @param smtp.url `smtp://` or `smtps://`, with credentials if the server needs them */
export function smtpTransport({ url, from }: { readonly url: string; readonly from: string }): MailTransport {
  const transporter = createTransport(
    { url, connectionTimeout: SMTP_TIMEOUT_MS, greetingTimeout: SMTP_TIMEOUT_MS, socketTimeout: SMTP_TIMEOUT_MS },
    { from },
  );
  return {
    keepsText: false,
    async send({ to, subject, text }) {
      await transporter.sendMail({ to, subject, text });
    },
    close: async () => transporter.close(),
  };
}
