import type { Mailer } from '../../core/ports/identity.ts';

/** A mailer that can be waited for: a function's process sleeps, mail under way and all, once it has answered. */
export interface MailsInFlight extends Mailer {
  /** Resolves when everything given so far was sent, or was refused. */
  settled(): Promise<void>;
}

export function createMailsInFlight(mailer: Mailer): MailsInFlight {
  const inFlight = new Set<Promise<void>>();
  return {
    send(mail) {
      const sending = mailer.send(mail);
      const settled = sending.then(forget, forget);
      function forget(): void {
        inFlight.delete(settled);
      }
      inFlight.add(settled);
      return sending;
    },
    async settled() {
      await Promise.all(inFlight);
    },
  };
}
