import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  createSignInLimits,
  MAX_GUESSES_PER_HOUR,
  MAX_STATES,
  type SignInAdmission,
  type SignInAttempt,
} from '../../../core/identity/sign-in-limits.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const AT_VICTIM: SignInAttempt = { realm: 'pool', subject: 'victim', name: 'victim@acme.example', client: '192.0.2.1' };
const FROM_OWN_DEVICE: SignInAttempt = { ...AT_VICTIM, client: '198.51.100.7', device: 'own-device' };

function startLimits() {
  const clock = new ManualClock();
  const limits = createSignInLimits({ clock });
  const tries = (count: number, attempt: (index: number) => SignInAttempt): SignInAdmission[] =>
    Array.from({ length: count }, (_, index) => limits.attempt(attempt(index)));
  return { clock, limits, tries };
}

const admittedOf = (admissions: readonly SignInAdmission[]): number => admissions.filter((one) => one.admitted).length;

describe('RT-9: failed attempts', () => {
  test('of one client at one user: eight in five minutes', () => {
    const { clock, limits, tries } = startLimits();
    expect(admittedOf(tries(20, () => AT_VICTIM))).toBe(8);
    expect(limits.attempt(AT_VICTIM)).toEqual({ admitted: false, retryAfter: 300 });
    expect(limits.attempt({ ...AT_VICTIM, client: '192.0.2.2' }).admitted).toBe(true);
    clock.advance(5 * MINUTE_MS);
    expect(limits.attempt(AT_VICTIM).admitted).toBe(true);
  });

  test('of one client at all users: eighty in five minutes', () => {
    const { limits, tries } = startLimits();
    const admissions = tries(200, (index) => ({ ...AT_VICTIM, subject: undefined, name: `name${index}` }));
    expect(admittedOf(admissions)).toBe(80);
    expect(limits.attempt({ ...AT_VICTIM, client: '192.0.2.2' }).admitted).toBe(true);
    expect(limits.attempt(AT_VICTIM).admitted).toBe(false);
  });

  test('of many clients at one user: ten at once, then with a delay that doubles up to a minute, and never ends', () => {
    const { clock, limits, tries } = startLimits();
    const next = (index: number): SignInAttempt => ({ ...AT_VICTIM, client: `client${index}` });
    expect(admittedOf(tries(100, next))).toBe(10);
    const delays: number[] = [];
    for (let index = 100; index < 110; index++) {
      const refused = limits.attempt(next(index));
      if (refused.admitted) throw new Error('the attempt must be refused');
      delays.push(refused.retryAfter);
      clock.advance(refused.retryAfter * 1_000 - 1);
      expect(limits.attempt(next(index)).admitted).toBe(false);
      clock.advance(1);
      expect(limits.attempt(next(index)).admitted).toBe(true);
    }
    expect(delays).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
    clock.advance(HOUR_MS);
    expect(admittedOf(tries(100, (index) => next(1_000 + index)))).toBe(10);
  });

  test('that were right, or that were not checked, do not count; returning one twice returns it once', () => {
    const { limits } = startLimits();
    for (let index = 0; index < 100; index++) {
      const attempt = limits.attempt(AT_VICTIM);
      if (!attempt.admitted) throw new Error('the attempt must be admitted');
      attempt.giveBack();
      attempt.giveBack();
    }
    for (let index = 0; index < 8; index++) expect(limits.attempt(AT_VICTIM).admitted).toBe(true);
    expect(limits.attempt(AT_VICTIM).admitted).toBe(false);
  });

  test('are limited for a name that nobody has as for a user', () => {
    const unknown = { ...AT_VICTIM, subject: undefined };
    for (const strategy of [(index: number) => ({ client: `client${index}` }), () => ({})]) {
      const [one, other] = [startLimits(), startLimits()];
      const known = one.tries(30, (index) => ({ ...AT_VICTIM, ...strategy(index) }));
      expect(other.tries(30, (index) => ({ ...unknown, ...strategy(index) })).map(({ admitted }) => admitted)).toEqual(
        known.map(({ admitted }) => admitted),
      );
    }
  });

  test('in another realm do not count here', () => {
    const { limits, tries } = startLimits();
    tries(50, (index) => ({ ...AT_VICTIM, realm: 'tenant-initech0', client: `client${index}` }));
    expect(limits.attempt(AT_VICTIM).admitted).toBe(true);
  });

  test('are forgotten after their time, although the date is set back meanwhile', () => {
    const { clock, limits, tries } = startLimits();
    tries(8, () => AT_VICTIM);
    clock.setDate(-2 * HOUR_MS);
    expect(limits.attempt(AT_VICTIM)).toEqual({ admitted: false, retryAfter: 300 });
    clock.advance(5 * MINUTE_MS);
    expect(limits.attempt(AT_VICTIM).admitted).toBe(true);
  });
});

describe('RT-9: the attacks that the limits once failed', () => {
  test('10,500 invented names do not reset the failures of a user', () => {
    const { clock, limits, tries } = startLimits();
    tries(200, (index) => ({ ...AT_VICTIM, client: `client${index}` }));
    clock.advance(MINUTE_MS);
    tries(10_500, (index) => ({
      ...AT_VICTIM,
      subject: undefined,
      name: `invented${index}`,
      client: `bot${index % 150}`,
    }));
    expect(admittedOf(tries(100, (index) => ({ ...AT_VICTIM, client: `again${index}` })))).toBe(1);
    expect(limits.size).toBeLessThanOrEqual(MAX_STATES);
  });

  test('40 wrong passwords from five addresses keep neither the own device nor, for long, a new one out', () => {
    const { clock, limits, tries } = startLimits();
    tries(40, (index) => ({ ...AT_VICTIM, client: `bot${index % 5}` }));
    expect(limits.attempt(FROM_OWN_DEVICE).admitted).toBe(true);
    clock.advance(MINUTE_MS);
    expect(limits.attempt({ ...AT_VICTIM, client: 'a new device' }).admitted).toBe(true);
  });

  test('80 wrong passwords from one address keep no device out that has signed in from there before', () => {
    const { limits, tries } = startLimits();
    tries(200, (index) => ({ ...AT_VICTIM, subject: `user${index}` }));
    expect(limits.attempt({ ...AT_VICTIM, subject: 'bystander' }).admitted).toBe(false);
    expect(limits.attempt({ ...AT_VICTIM, subject: 'bystander', device: 'own' }).admitted).toBe(true);
  });

  test('a stolen device cookie has eight attempts in five minutes, then those of a stranger', () => {
    const { tries } = startLimits();
    expect(admittedOf(tries(100, () => ({ ...AT_VICTIM, device: 'stolen' })))).toBe(8 + 8);
  });
});

interface Step {
  readonly subject: number;
  readonly client: number;
  readonly waitMs: number;
}

/** What attackers do: any attempts at known and unknown names, from any addresses, at any speed. */
const steps = fc.array(
  fc.record({
    subject: fc.nat(4),
    client: fc.nat(300),
    waitMs: fc.constantFrom(0, 0, 0, 1, 500, 1_000, 20_000, 61_000, 5 * MINUTE_MS, HOUR_MS),
  }),
  { maxLength: 300 },
);

function attemptOf({ subject, client }: Step, index: number): SignInAttempt {
  if (subject === 4) return { ...AT_VICTIM, subject: undefined, name: `invented${index}`, client: `client${client}` };
  const known = subject === 0 ? 'victim' : `user${subject}`;
  return { ...AT_VICTIM, subject: known, client: `client${client}` };
}

describe('RT-9: whatever attackers do,', () => {
  test("a user's own device is admitted, and memory is bounded", () => {
    fc.assert(
      fc.property(steps, (all) => {
        const { clock, limits } = startLimits();
        for (const [index, step] of all.entries()) {
          clock.advance(step.waitMs);
          limits.attempt(attemptOf(step, index));
        }
        // The victim is under attack at this moment, also from the own address.
        for (let bot = 0; bot < 20; bot++) limits.attempt({ ...AT_VICTIM, client: `bot${bot}` });
        for (let tried = 0; tried < 10; tried++) limits.attempt({ ...FROM_OWN_DEVICE, device: undefined });
        const own = limits.attempt(FROM_OWN_DEVICE);
        expect(own.admitted).toBe(true);
        expect(limits.size).toBeLessThanOrEqual(3 * (all.length + 31));
      }),
    );
  });

  test('they get a bounded number of attempts at a user within any hour', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 200, max: 70_000 }), (all, everyMs) => {
        const { clock, limits } = startLimits();
        const admittedAt: number[] = [];
        const tryVictim = (client: string): void => {
          if (limits.attempt({ ...AT_VICTIM, client }).admitted) admittedAt.push(clock.monotonic());
        };
        for (const [index, step] of all.entries()) {
          clock.advance(step.waitMs);
          if (step.subject === 0) tryVictim(`client${step.client}`);
          else limits.attempt(attemptOf(step, index));
        }
        // Then as fast as the delay permits, each time from another address.
        for (let sent = 0; sent < 400; sent++) {
          tryVictim(`bot${sent}`);
          clock.advance(everyMs);
        }
        for (const [first, begin] of admittedAt.entries()) {
          const within = admittedAt.slice(first).filter((at) => at < begin + HOUR_MS).length;
          expect(within).toBeLessThanOrEqual(MAX_GUESSES_PER_HOUR);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('200,000 names, users and addresses take no more states than planned', () => {
    const { limits } = startLimits();
    for (let index = 0; index < 200_000; index++) {
      const subject = index % 2 ? undefined : `user${index}`;
      limits.attempt({
        ...AT_VICTIM,
        subject,
        name: `name${index}`,
        client: `client${index}`,
        device: `device${index}`,
      });
    }
    expect(limits.size).toBeLessThanOrEqual(MAX_STATES);
    expect(limits.attempt(FROM_OWN_DEVICE).admitted).toBe(true);
  });
});
