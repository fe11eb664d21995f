import { createHmac, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { crockfordText } from '../../../core/encoding/crockford.ts';
import { DomainError } from '../../../core/errors.ts';
import type { Clock, RandomBytes } from '../../../core/ports/clock.ts';

/** The stored form of a password. */
export type PasswordSecret =
  /** A chosen password. `salt` and `hash` are base64url. */
  | { readonly kind: 'scrypt'; readonly logN: number; readonly salt: string; readonly hash: string }
  /** A temporary password. */
  | {
      readonly kind: 'temporary';
      /** HMAC-SHA-256 of subject and password, base64url. */
      readonly mac: string;
      /** Epoch milliseconds. */
      readonly expiresAt: number;
    };

export type PasswordCheck = 'right' | 'wrong' | 'expired';

export interface Passwords {
  /** Hashes a chosen password: about 60 ms of CPU, off the event loop. Throws TOO_MANY if too many hashes are queued. */
  hash(password: string): Promise<PasswordSecret>;
  /** A new temporary password of at least 128 random bits, valid for 7 days. */
  temporary(subject: string): { readonly password: string; readonly secret: PasswordSecret };
  /**
   * Compares a password with its stored form. Takes equally long for a chosen password, a temporary one and no secret at
   * all, so the time does not reveal whether a user exists. Throws TOO_MANY if too many hashes are queued.
   */
  check(password: string, secret: PasswordSecret | undefined, subject: string): Promise<PasswordCheck>;
}

/**
 * scrypt with N = 2^15, r = 8, p = 1: 32 MiB and about 60 ms of CPU per hash. OWASP lists p = 3 for this N. We keep p = 1:
 * N sets the memory that each guess takes, while p only multiplies the CPU time, for an attacker and for this machine. It
 * hashes for all tenants next to serving them, and p = 3 would triple what a wrong password costs it. A fifth of the CPU
 * time of an onboarding is this hash. The stored form contains N, so hashes stay valid when N changes.
 * @see https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#scrypt
 */
const LOG_N = 15;
const KEY_BYTES = 32;
const MAX_MEMORY_BYTES = 64 * 1024 * 1024;
const TEMPORARY_DAYS = 7;
const TEMPORARY_LENGTH = 26;
/** Hashes at the same time: leaves threads of the pool of four for files and DNS. */
const MAX_PARALLEL = 2;
/** Hashes in the queue. */
const MAX_QUEUED = 64;

const derive = promisify<string, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(scrypt);

/**
 * @param options.temporaryKey server key for temporary passwords. They have so many random bits that a fast keyed hash is
 * as safe as scrypt.
 */
export function createPasswords(options: {
  readonly temporaryKey: Uint8Array;
  readonly clock: Pick<Clock, 'now'>;
  readonly random: RandomBytes;
  /** Cost of a hash: log2 of N. @default 15 */
  readonly logN?: number;
}): Passwords {
  const { temporaryKey, clock, random, logN = LOG_N } = options;
  const limited = createLimit(MAX_PARALLEL, MAX_QUEUED);
  const stretch = (password: string, salt: Buffer, cost: number): Promise<Buffer> =>
    limited(() =>
      derive(password.normalize('NFC'), salt, KEY_BYTES, { N: 2 ** cost, r: 8, p: 1, maxmem: MAX_MEMORY_BYTES }),
    );
  const macOf = (password: string, subject: string): Buffer =>
    createHmac('sha256', temporaryKey).update(`${subject}\n${password}`).digest();

  return {
    async hash(password) {
      const salt = Buffer.from(random(16));
      const hash = await stretch(password, salt, logN);
      return { kind: 'scrypt', logN, salt: salt.toString('base64url'), hash: hash.toString('base64url') };
    },

    temporary(subject) {
      const letters = crockfordText(random(TEMPORARY_LENGTH));
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
      await stretch(password, Buffer.alloc(16), logN);
      if (!secret) return 'wrong';
      const right = timingSafeEqual(macOf(password.trim(), subject), Buffer.from(secret.mac, 'base64url'));
      if (!right) return 'wrong';
      return clock.now() < secret.expiresAt ? 'right' : 'expired';
    },
  };
}

/** Runs at most `parallel` jobs at the same time and queues at most `queued` more. Throws TOO_MANY beyond that. */
function createLimit(parallel: number, queued: number): <T>(job: () => Promise<T>) => Promise<T> {
  let running = 0;
  const queue: (() => void)[] = [];
  return async (job) => {
    if (running >= parallel) {
      if (queue.length >= queued)
        throw new DomainError('TOO_MANY', 'too many passwords are being checked at the same time');
      // A job that ends passes its place to the next one, so `running` does not change.
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
