import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Mailer } from '../../../core/ports/identity.ts';

export interface ReceivedMail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

export interface OpenMailer {
  readonly mailer: Mailer;
  /** Waits until at least `count` mails have arrived since the last call. @returns all of them */
  received(count: number): Promise<readonly ReceivedMail[]>;
  close(): Promise<void>;
}

const MAIL = { to: 'ann@acme.example', subject: 'Welcome to Acme', text: 'Hello Ann,\n\nyour password is tulip-42.\n' };

/** What every adapter of the Mailer port must do. */
export function mailerContract(name: string, open: () => Promise<OpenMailer>): void {
  describe(`${name} as a Mailer`, () => {
    let opened: OpenMailer;
    beforeAll(async () => {
      opened = await open();
    });
    beforeEach(async () => void (await opened.received(0)));
    afterAll(async () => opened?.close());

    test('delivers recipient, subject and text as they were given', async () => {
      await opened.mailer.send(MAIL);
      expect(await opened.received(1)).toEqual([MAIL]);
    });

    test('delivers text outside ASCII and special characters unchanged', async () => {
      const mail = { ...MAIL, subject: 'Grüße 日本 😀', text: 'naïve "quoted" <b>& \\ line\n.\nend' };
      await opened.mailer.send(mail);
      expect(await opened.received(1)).toEqual([mail]);
    });

    test('delivers each of many mails once, and the same mail twice if it is sent twice', async () => {
      const mails = Array.from({ length: 10 }, (_, i) => ({ ...MAIL, subject: `Mail ${i % 5}` }));
      await Promise.all(mails.map((mail) => opened.mailer.send(mail)));
      const subjects = (await opened.received(10)).map(({ subject }) => subject);
      expect(subjects.toSorted()).toEqual(mails.map(({ subject }) => subject).toSorted());
    });

    test('does not deliver the data that is stored with a mail', async () => {
      await opened.mailer.send({ ...MAIL, data: { secret: 'rose-99' } });
      expect(JSON.stringify(await opened.received(1))).not.toContain('rose-99');
    });
  });
}
