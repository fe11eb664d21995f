import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  cacheSessions,
  type TenantSession,
  type TenantSessions,
} from '../../../../adapters/aws/store/tenant-sessions.ts';
import { DomainError } from '../../../../core/errors.ts';
import { nextTurn } from '../../../support/background-work.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const A = 'tenantaaaa';
const B = 'tenantbbbb';

let clock: ManualClock;
/** Tenants for which a session was started. */
let started: string[];
/** Starts wait for it. */
let gate: Promise<unknown>;
let failure: DomainError | undefined;
let sessionOf: TenantSessions;

beforeEach(() => {
  clock = new ManualClock();
  started = [];
  gate = Promise.resolve();
  failure = undefined;
  sessionOf = cacheSessions(start, { clock });
});

async function start(tenantId: string): Promise<TenantSession> {
  started.push(tenantId);
  const accessKeyId = `${tenantId}-${started.length}`;
  const expiration = new Date(clock.now() + HOUR_MS);
  await gate;
  if (failure) throw failure;
  return { accessKeyId, secretAccessKey: 'secret', sessionToken: 'token', expiration };
}

const keyOf = async (tenantId: string) => (await sessionOf(tenantId)).accessKeyId;

describe('the sessions of tenants', () => {
  test('TI-2: are started once per tenant and hour, whatever the number of requests', async () => {
    for (let minute = 0; minute < 59; minute++) {
      for (let i = 0; i < 10; i++) expect(await keyOf(A)).toBe(`${A}-1`);
      clock.advance(MINUTE_MS);
    }
    expect(started).toEqual([A]);
  });

  test('TI-2: are never those of another tenant', async () => {
    expect([await keyOf(A), await keyOf(B), await keyOf(A)]).toEqual([`${A}-1`, `${B}-2`, `${A}-1`]);
  });

  test('are started once for requests at the same moment', async () => {
    const keys = await Promise.all(Array.from({ length: 50 }, () => Promise.all([keyOf(A), keyOf(B)])));
    expect(new Set(keys.flat())).toEqual(new Set([`${A}-1`, `${B}-2`]));
    expect(started).toEqual([A, B]);
  });

  test('are renewed a minute before they expire, and no request waits for that', async () => {
    await keyOf(A);
    clock.advance(HOUR_MS - MINUTE_MS - 1);
    await keyOf(A);
    expect(started).toEqual([A]);
    clock.advance(1);
    let open = () => {};
    gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    expect(await Promise.all([keyOf(A), keyOf(A)])).toEqual([`${A}-1`, `${A}-1`]);
    open();
    await nextTurn();
    expect(await keyOf(A)).toBe(`${A}-2`);
    expect(started).toEqual([A, A]);
  });

  test('are used while a renewal fails, which is repeated every 5 seconds, and not in their last 10 seconds', async () => {
    await keyOf(A);
    failure = new DomainError('UNAVAILABLE', 'STS does not respond');
    clock.advance(HOUR_MS - MINUTE_MS);
    for (let second = 0; second < 50; second++) {
      expect(await keyOf(A)).toBe(`${A}-1`);
      await nextTurn();
      clock.advance(1_000);
    }
    expect(started).toHaveLength(1 + 10);
    await expect(keyOf(A)).rejects.toBe(failure);
    failure = undefined;
    expect(await keyOf(A)).toBe(`${A}-${started.length}`);
  });

  test('that cannot be started fail each request that waits, and are started by the next', async () => {
    failure = new DomainError('FORBIDDEN', 'this task must not act for the tenant');
    const outcomes = await Promise.allSettled([keyOf(A), keyOf(A)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(started).toEqual([A]);
    await expect(keyOf(A)).rejects.toBe(failure);
    failure = undefined;
    expect(await keyOf(A)).toBe(`${A}-3`);
  });

  test('are kept for as many tenants as configured; then the one that was not used lately is started again', async () => {
    sessionOf = cacheSessions(start, { clock, capacity: 2 });
    for (const tenant of [A, B, 'tenantcccc', B, 'tenantcccc']) await keyOf(tenant);
    expect(started).toEqual([A, B, 'tenantcccc']);
    await keyOf(A);
    expect(started).toEqual([A, B, 'tenantcccc', A]);
  });
});
