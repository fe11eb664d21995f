import { createHmac, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { DomainError } from '../../../core/errors.ts';
import type { Clock, RandomBytes } from '../../../core/ports/clock.ts';

/** What is kept of a password. */
export type PasswordSecret =
  | { readonly kind: 'scrypt'; readonly logN: number; readonly salt: string; readonly hash: string }
  | {
      readonly kind: 'temporary';
      readonly mac: string;
      /** Epoch milliseconds. */
      readonly expiresAt: number;
    };

export type PasswordCheck = 'right' | 'wrong' | 'expired';

export interface Passwords {
  /** For a password that a person chose. About 60 ms of CPU, off the event loop. */
  hash(password: string): Promise<PasswordSecret>;
  /** A new temporary password: 128 random bits or more, good for 7 days. */
  temporary(subject: string): { readonly password: string; readonly secret: PasswordSecret };
  /** Takes as long without a secret, or with a temporary one, as with a chosen password. Throws TOO_MANY when swamped. */
  check(password: string, secret: PasswordSecret | undefined, subject: string): Promise<PasswordCheck>;
}

/** OWASP's second choice for scrypt: N = 2^15, r = 8, p = 1 with 32 MiB. */
const LOG_N = 15;
const KEY_BYTES = 32;
const MAX_MEMORY_BYTES = 64 * 1024 * 1024;
const TEMPORARY_DAYS = 7;
/** Without letters that look like digits. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TEMPORARY_LENGTH = 26;
/** Two at once leave the thread pool some room for everything else. */
const MAX_PARALLEL = 2;
const MAX_WAITING = 64;

const derive = promisify<string, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(scrypt);

/** @param temporaryKey server key of temporary passwords: with so many random bits a fast keyed hash is safe */
export function createPasswords(options: {
  readonly temporaryKey: Uint8Array;
  readonly clock: Pick<Clock, 'now'>;
  readonly random: RandomBytes;
}): Passwords {
  const { temporaryKey, clock, random } = options;
  const limited = createLimit(MAX_PARALLEL, MAX_WAITING);
  const stretch = (password: string, salt: Buffer, logN: number): Promise<Buffer> =>
    limited(() =>
      derive(password.normalize('NFC'), salt, KEY_BYTES, { N: 2 ** logN, r: 8, p: 1, maxmem: MAX_MEMORY_BYTES }),
    );
  const macOf = (password: string, subject: string): Buffer =>
    createHmac('sha256', temporaryKey).update(`${subject}\n${password}`).digest();

  return {
    async hash(password) {
      const salt = Buffer.from(random(16));
      const hash = await stretch(password, salt, LOG_N);
      return { kind: 'scrypt', logN: LOG_N, salt: salt.toString('base64url'), hash: hash.toString('base64url') };
    },

    temporary(subject) {
      const letters = Array.from(random(TEMPORARY_LENGTH), (byte) => ALPHABET[byte % ALPHABET.length]).join('');
      const password = letters.match(/.{1,6}/g)?.join('-') ?? letters;
      const expiresAt = clock.now() + TEMPORARY_DAYS * 86_400_000;
      return {
        password,
        secret: { kind: 'temporary', mac: macOf(password, subject).toString('base64url'), expiresAt },
      };
    },

    async check(password, secret, subject) {
      if (secret?.kind === 'scrypt') {
        const hash = await stretch(password, Buffer.from(secret.salt, 'base64url'), secret.logN);
        return timingSafeEqual(hash, Buffer.from(secret.hash, 'base64url')) ? 'right' : 'wrong';
      }
      await stretch(password, Buffer.alloc(16), LOG_N);
      if (!secret) return 'wrong';
      const right = timingSafeEqual(macOf(password.trim(), subject), Buffer.from(secret.mac, 'base64url'));
      if (!right) return 'wrong';
      return clock.now() < secret.expiresAt ? 'right' : 'expired';
    },
  };
}

/** Runs at most `parallel` jobs at once; over `waiting` in the queue it throws TOO_MANY. */
function createLimit(parallel: number, waiting: number): <T>(job: () => Promise<T>) => Promise<T> {
  let running = 0;
  const queue: (() => void)[] = [];
  return async (job) => {
    if (running >= parallel) {
      if (queue.length >= waiting) throw new DomainError('TOO_MANY', 'too many passwords are being checked at once');
      // Whoever ends hands its place on, so the count stays.
      await new Promise<void>((resolve) => queue.push(resolve));
    } else {
      running += 1;
    }
    try {
      return await job();
    } finally {
      const next = queue.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
