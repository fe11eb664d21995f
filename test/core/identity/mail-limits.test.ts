import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isDomainError } from '../../../core/errors.ts';
import { createMailLimits, type LimitedMail } from '../../../core/identity/users/mail-limits.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const RATES = { perTenant: { perHour: 60, burst: 3 }, perRecipient: { perHour: 6, burst: 2 } };

function startLimits() {
  const clock = new ManualClock();
  const limits = createMailLimits(clock, RATES);
  /** 0, or the seconds to wait. */
  const send = (mail: LimitedMail): number => {
    try {
      limits.take(mail);
      return 0;
    } catch (error) {
      if (isDomainError(error, 'TOO_MANY')) return error.retryAfter ?? -1;
      throw error;
    }
  };
  return { clock, limits, send };
}

describe('RT-9: the limits of mails', () => {
  test('permit each tenant its burst, then its rate', () => {
    const { clock, send } = startLimits();
    const acme = (index: number) => send({ to: `user${index}@acme.example`, tenantId: 'acme' });
    expect([1, 2, 3, 4].map(acme)).toEqual([0, 0, 0, 60]);
    expect(send({ to: 'user@globex.example', tenantId: 'globex' })).toBe(0);
    clock.advance(60_000);
    expect([5, 6].map(acme)).toEqual([0, 60]);
  });

  test('permit each recipient its burst, in whatever spelling and whichever tenant sends, and then its rate', () => {
    const { clock, send } = startLimits();
    expect(send({ to: 'Er@Aviato.example', tenantId: 'acme' })).toBe(0);
    expect(send({ to: 'er@aviato.example', tenantId: 'globex' })).toBe(0);
    expect(send({ to: 'ER@AVIATO.EXAMPLE' })).toBe(600);
    clock.advance(600_000);
    expect(send({ to: 'er@aviato.example' })).toBe(0);
  });

  test('take nothing for a mail that they refuse, and get back a mail that was not sent', () => {
    const { limits, send } = startLimits();
    expect([1, 2, 3].map(() => send({ to: 'one@acme.example', tenantId: 'acme' }))).toEqual([0, 0, 600]);
    const giveBack = limits.take({ to: 'two@acme.example', tenantId: 'acme' });
    expect(send({ to: 'three@acme.example', tenantId: 'acme' })).toBe(60);
    giveBack();
    expect(send({ to: 'three@acme.example', tenantId: 'acme' })).toBe(0);
  });

  test('pass with time, although the date is set back meanwhile', () => {
    const { clock, send } = startLimits();
    for (let sent = 0; sent < 2; sent++) send({ to: 'one@acme.example' });
    clock.setDate(-7_200_000);
    expect(send({ to: 'one@acme.example' })).toBe(600);
    clock.advance(600_000);
    expect(send({ to: 'one@acme.example' })).toBe(0);
  });

  test('hold for any sequence of mails: nobody sends or gets more than burst and rate permit', () => {
    const mail = fc.record({ to: fc.constantFrom('a', 'b', 'c'), tenantId: fc.constantFrom('t1', 't2', undefined) });
    const step = fc.tuple(mail, fc.constantFrom(0, 0, 1_000, 60_000, 1_000_000));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (all) => {
        const { clock, send } = startLimits();
        const begin = clock.monotonic();
        const sent = new Map<string, number>();
        for (const [one, waitMs] of all) {
          clock.advance(waitMs);
          if (send(one) > 0) continue;
          const keys = [`to ${one.to}`, ...(one.tenantId === undefined ? [] : [`by ${one.tenantId}`])];
          for (const key of keys) sent.set(key, (sent.get(key) ?? 0) + 1);
        }
        const hours = (clock.monotonic() - begin) / 3_600_000;
        for (const [key, count] of sent) {
          const { burst, perHour } = key.startsWith('to') ? RATES.perRecipient : RATES.perTenant;
          expect(count).toBeLessThanOrEqual(burst + perHour * hours + 1e-6);
        }
      }),
    );
  });
});
