import { BoundedStates } from '../collections/bounded-states.ts';
import { Lru } from '../collections/lru.ts';
import type { Clock } from '../ports/clock.ts';
import type { RealmId } from '../ports/identity.ts';

/** One attempt to prove who a user is, with a password. */
export interface SignInAttempt {
  readonly realm: RealmId;
  /** The `sub` of the user, or undefined if nobody has this name. */
  readonly subject: string | undefined;
  /** The name that was typed, in lower case. It counts where there is no subject. */
  readonly name: string;
  /** `clientGroup` of the client's address. */
  readonly client: string;
  /** The id in the device cookie that the realm has given this client for this user. @default - none */
  readonly device?: string | undefined;
}

export type SignInAdmission =
  | {
      readonly admitted: true;
      /** Returns the attempt, because the password was right or was not checked. */
      giveBack(): void;
    }
  | {
      readonly admitted: false;
      /** Whole seconds, at least 1, until an attempt may succeed. */
      readonly retryAfter: number;
    };

export interface SignInLimits {
  /** Takes one attempt. Call it before the password is checked, so that parallel attempts cannot exceed a limit. */
  attempt(attempt: SignInAttempt): SignInAdmission;
  /** Number of states in memory; at most MAX_STATES. */
  readonly size: number;
}

/** How long a failed attempt counts against a client or a device. */
const WINDOW_MS = 5 * 60_000;
const MAX_PER_USER_AND_CLIENT = 8;
const MAX_PER_CLIENT = 80;
const MAX_PER_DEVICE = 8;

/** Failed attempts at one user, from all clients together, before the delay begins. */
const FREE_FAILURES = 10;
/** The first delay between two attempts at one user. Each further failure doubles it. */
const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 60_000;
/** The failures of a user are forgotten after this time without any. */
const FORGET_MS = 60 * 60_000;

/**
 * The most attempts at one user within an hour, from all clients that have not signed in as this user before: the free
 * ones, those of the growing delay, and one per longest delay.
 */
export const MAX_GUESSES_PER_HOUR =
  FREE_FAILURES + Math.ceil(Math.log2(MAX_DELAY_MS / FIRST_DELAY_MS)) + Math.ceil(FORGET_MS / MAX_DELAY_MS);

const MAX_CLIENTS = 20_000;
const MAX_PAIRS = 50_000;
const MAX_DEVICES = 20_000;
const MAX_USERS = 50_000;
/** Users beyond MAX_USERS share this many states. */
const SHARED_USERS = 4_096;
/** All names that nobody has share this many states, so that they displace nothing. */
const UNKNOWN_NAMES = 16_384;
export const MAX_STATES = MAX_CLIENTS + MAX_PAIRS + MAX_DEVICES + MAX_USERS + SHARED_USERS + UNKNOWN_NAMES;

/** Failures within a window that begins with the first. */
interface FailureWindow {
  count: number;
  readonly endsAt: number;
}

/** Failures of all clients at one user. */
interface UserFailures {
  count: number;
  /** When the last attempt was admitted. */
  last: number;
}

/**
 * Limits attempts at passwords (docs/decisions/0018):
 *
 * - A client that has signed in as this user before sends its device cookie. Only failures with this cookie count, so
 *   other clients cannot lock it out.
 * - Every other client has a limit for each user, and a limit for all users together.
 * - In addition, attempts at one user from all these clients together are slowed by a growing delay, never stopped.
 *
 * Existing users and unknown names are treated alike. All states are in memory and bounded in number.
 */
export function createSignInLimits({ clock }: { readonly clock: Pick<Clock, 'monotonic'> }): SignInLimits {
  return new Limits(clock);
}

class Limits implements SignInLimits {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #clients = new Lru<FailureWindow>(MAX_CLIENTS);
  readonly #pairs = new Lru<FailureWindow>(MAX_PAIRS);
  readonly #devices = new Lru<FailureWindow>(MAX_DEVICES);
  readonly #users = userStates(MAX_USERS, SHARED_USERS);
  readonly #unknownNames = userStates(0, UNKNOWN_NAMES);

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  get size(): number {
    const lists = [this.#clients, this.#pairs, this.#devices, this.#users, this.#unknownNames];
    return lists.reduce((sum, { size }) => sum + size, 0);
  }

  attempt(attempt: SignInAttempt): SignInAdmission {
    const now = this.#clock.monotonic();
    const user = `${attempt.realm} ${attempt.subject ?? `?${attempt.name}`}`;
    return this.#fromDevice(attempt, user, now) ?? this.#fromStranger(attempt, user, now);
  }

  /** @returns undefined without a device cookie, or if the device itself has failed too often */
  #fromDevice({ subject, device }: SignInAttempt, user: string, now: number): SignInAdmission | undefined {
    if (subject === undefined || device === undefined) return undefined;
    const window = windowOf(this.#devices, `${user} ${device}`, now);
    if (window.count >= MAX_PER_DEVICE) return undefined;
    window.count += 1;
    return admitted(() => {
      window.count = 0;
    });
  }

  #fromStranger({ subject, client }: SignInAttempt, user: string, now: number): SignInAdmission {
    const pair = windowOf(this.#pairs, `${user} ${client}`, now);
    const total = windowOf(this.#clients, client, now);
    const failures = (subject === undefined ? this.#unknownNames : this.#users).of(user, now);
    if (now - failures.last >= FORGET_MS) failures.count = 0;
    const waitMs = Math.max(
      pair.count < MAX_PER_USER_AND_CLIENT ? 0 : pair.endsAt - now,
      total.count < MAX_PER_CLIENT ? 0 : total.endsAt - now,
      failures.last + delayMs(failures.count) - now,
    );
    if (waitMs > 0) return { admitted: false, retryAfter: Math.ceil(waitMs / 1_000) };
    failures.last = now;
    const taken = [pair, total, failures];
    for (const one of taken) one.count += 1;
    return admitted(() => {
      for (const one of taken) one.count = Math.max(0, one.count - 1);
    });
  }
}

/** The least time between an attempt and the one before it, at a user with this many failures. */
function delayMs(failures: number): number {
  if (failures < FREE_FAILURES) return 0;
  return Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (failures - FREE_FAILURES));
}

function userStates(capacity: number, shared: number): BoundedStates<UserFailures> {
  return new BoundedStates({
    ...{ capacity, shared },
    create: () => ({ count: 0, last: Number.NEGATIVE_INFINITY }),
    isIdle: ({ count, last }, now) => count === 0 || now - last >= FORGET_MS,
  });
}

function windowOf(windows: Lru<FailureWindow>, key: string, now: number): FailureWindow {
  const known = windows.get(key);
  if (known && known.endsAt > now) return known;
  const fresh = { count: 0, endsAt: now + WINDOW_MS };
  windows.set(key, fresh);
  return fresh;
}

/** Returns an attempt once, however often it is called. */
function admitted(giveBack: () => void): SignInAdmission {
  let isTaken = true;
  return {
    admitted: true,
    giveBack() {
      if (isTaken) giveBack();
      isTaken = false;
    },
  };
}
