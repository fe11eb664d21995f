import type { Mailer } from '../../core/ports/identity.ts';

/** A mailer whose sending can be awaited: Lambda freezes the process once the function has responded. */
export interface MailsInFlight extends Mailer {
  /** Resolves when every mail so far has been sent or has failed. */
  completed(): Promise<void>;
}

export function createMailsInFlight(mailer: Mailer): MailsInFlight {
  const inFlight = new Set<Promise<void>>();
  return {
    send(mail) {
      const sending = mailer.send(mail);
      const completion = sending.then(remove, remove);
      function remove(): void {
        inFlight.delete(completion);
      }
      inFlight.add(completion);
      return sending;
    },
    async completed() {
      await Promise.all(inFlight);
    },
  };
}
