import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { resultsConsumer } from '../../../control-plane/api/tenants/results-consumer.ts';
import { envelope } from '../../../core/events/events.ts';
import { outboxDeletes } from '../../../core/events/outbox.ts';
import { OUTBOX } from '../../../core/events/outbox-partitions.ts';
import { userKey } from '../../../core/identity/users/user-records.ts';
import type { RandomBytes } from '../../../core/ports/clock.ts';
import type { Envelope } from '../../../core/ports/event-bus.ts';
import { type Item, put } from '../../../core/ports/table.ts';
import { newId } from '../../../core/tenant/ids.ts';
import { createRateLimiter } from '../../../core/usage/rate-limiter.ts';
import { type Body, type CallOptions, type Home, type Reply, startHome } from './home.ts';

const PASSWORD = 'Correct-horse-1';
let home: Home;
let provisioning: { stop(): void; done: Promise<void> };
beforeEach(async () => {
  home = await startHome();
  provisioning = provision();
});
afterEach(async () => {
  provisioning.stop();
  await provisioning.done;
  await home[Symbol.asyncDispose]();
});

/** An application plane that provisions every tenant at once. */
function provision(): typeof provisioning {
  const { table, clock, random } = home.deps;
  const consumer = resultsConsumer({ ...home.deps, bus: home.bus }, home.waiters.onState);
  let stopped = false;
  const work = async (): Promise<void> => {
    while (!stopped) {
      const { items } = await table.query({ ...OUTBOX, limit: 50 });
      if (items.length > 0) await table.transact(outboxDeletes(items as Item<Envelope>[]));
      for (const { data } of items) {
        const { tenantId, tenantRegistrationId } = data.detail;
        const jobOutput = {
          tenantRegistrationData: { registrationStatus: 'created' },
          tenantData: { tenantStatus: 'created' },
        };
        const detail = { tenantId, tenantRegistrationId, jobOutput } as Envelope['detail'];
        await consumer.handle(envelope(newId(clock.now(), random), 'provisionSuccess', detail, clock.now()));
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  const stop = (): void => {
    stopped = true;
  };
  return { stop, done: work() };
}

function signUp(body: Body, options: CallOptions = {}): Promise<Reply> {
  return home.call('POST', '/onboarding', body, { token: 'none', ...options });
}

const acme = { tenant_name: 'Acme', email: 'Boss@acme.example', password: PASSWORD };

async function tenants(): Promise<Body[]> {
  return (await home.call('GET', '/tenants?limit=100')).body.data;
}

describe('ON-2: a company signs itself up', () => {
  test('gets the basic tier, is active when the response arrives, and its admin has the chosen password', async () => {
    const { status, body } = await signUp(acme);
    expect([status, Object.keys(body)]).toEqual([201, ['tenant_id']]);
    const [tenant] = await tenants();
    expect(tenant).toMatchObject({ tenantId: body.tenant_id, tier: 'basic', state: 'active', email: acme.email });
    const user = { userName: acme.email, email: acme.email, role: 'TenantAdmin', tenantId: body.tenant_id };
    expect(await home.deps.identity.createUser('pool', user)).toMatchObject({ status: 'CONFIRMED' });
    expect(await home.mails()).toEqual([]);
  });

  test('is refused for a weak password, with a message that does not contain it', async () => {
    const { status, body, text } = await signUp({ ...acme, password: 'hunter2' });
    expect(status).toBe(422);
    expect(body.detail.map((one: Body) => [one.loc.join('.'), one.type])).toEqual(
      Array(3).fill(['body.password', 'password_policy']),
    );
    expect(text).not.toContain('hunter2');
    expect(await tenants()).toEqual([]);
  });

  test('SE-6: is refused with a short list of errors, however many keys the body has', async () => {
    const extras = Object.fromEntries(Array.from({ length: 1_500 }, (_, i) => [`k${i}`, 1]));
    const { status, body, text } = await signUp({ ...acme, ...extras });
    expect([status, body.detail.length, text.length < 2_000]).toEqual([422, 21, true]);
    expect(body.detail.at(-1)).toEqual({ loc: ['body'], type: 'more_errors', msg: '1480 more errors not listed' });
  });

  test('SE-6: is refused with 413 for a body over 16 KiB', async () => {
    const { status, body } = await signUp({ ...acme, password: 'x'.repeat(16 * 1024) });
    expect([status, body]).toEqual([413, { statusCode: 413, message: 'Request body must have at most 16384 bytes' }]);
  });

  test('is refused for a taken name in any spelling', async () => {
    await signUp(acme);
    const { status, body } = await signUp({ ...acme, tenant_name: 'ACME', email: 'other@acme.example' });
    expect([status, body]).toEqual([409, { statusCode: 409, message: "Tenant name 'ACME' is taken" }]);
  });

  test.each(['tier', 'state', 'tenant_id', 'role', 'tenantData'])('SE-1.15: cannot set its own %s', async (key) => {
    const { status, body } = await signUp({ ...acme, [key]: 'premium' });
    expect([status, body.detail[0].loc, await tenants()]).toEqual([422, ['body', key], []]);
  });

  test('with an idempotency key is one sign-up, however often the request is sent', async () => {
    const options = { headers: { 'idempotency-key': 'mine' } };
    const responses = [await signUp(acme, options), await signUp(acme, options)];
    expect(responses.map(({ status, text }) => [status, text])).toEqual(Array(2).fill([201, responses[0]?.text]));
    expect(await tenants()).toHaveLength(1);
  });

  test('may use an idempotency key that another company uses, too', async () => {
    const options = { headers: { 'idempotency-key': 'signup-1' } };
    const other = { tenant_name: 'Globex', email: 'boss@globex.example', password: PASSWORD };
    const [first, second] = [await signUp(acme, options), await signUp(other, options)];
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(first.text).not.toBe(second.text);
    expect(await tenants()).toHaveLength(2);
    // In any spelling of the email, the company is the same; other content under its key is refused.
    const again = await signUp({ ...acme, email: 'BOSS@acme.example', tenant_name: 'Acme Two' }, options);
    expect([again.status, again.body.detail[0].loc]).toEqual([422, ['header', 'idempotency-key']]);
  });

  test('gets its response even if provisioning never ends', async () => {
    provisioning.stop();
    await provisioning.done;
    const after = home.deps.clock.after;
    const waits: number[] = [];
    Object.assign(home.deps.clock, {
      after(ms: number, run: () => void) {
        waits.push(ms);
        return after(Math.min(ms, 5), run);
      },
    });
    expect((await signUp(acme)).status).toBe(201);
    expect(waits).toContain(10_000);
  });
});

describe('ON-2: whether an email is known', () => {
  test.each([
    ['an admin of another tenant', async () => void (await signUp(acme))],
    [
      'a user of a pooled tenant',
      async () => {
        const user = {
          userName: 'boss@acme.example',
          email: 'boss@acme.example',
          role: 'TenantUser',
          tenantId: 'abcdefgh',
        };
        await home.deps.identity.createUser('pool', { ...user, password: PASSWORD });
      },
    ],
    [
      'a user whose name has the form of this email, created by an earlier version',
      async () => {
        const user = { userName: 'boss', email: 'else@acme.example', role: 'TenantUser', tenantId: 'abcdefgh' };
        await home.deps.identity.createUser('pool', { ...user, password: PASSWORD });
        const item = await home.deps.table.get(userKey('pool', 'boss'));
        const key = userKey('pool', 'boss@acme.example');
        if (item) await home.deps.table.transact([put({ ...item, ...key, version: 1 }, 'absent')]);
      },
    ],
  ])(
    'does not show in the response for %s: same status and shape, nothing created, a mail to the owner',
    async (_name, make) => {
      await make();
      const before = await tenants();
      const decoy = await signUp({ tenant_name: 'Initech', email: 'boss@ACME.example', password: PASSWORD });
      const real = await signUp({ tenant_name: 'Globex', email: 'new@globex.example', password: PASSWORD });
      const shape = ({ status, headers, body }: Reply) => [
        status,
        Object.keys(body),
        String(body.tenant_id).length,
        [...headers.keys()].filter((name) => name !== 'date').sort(),
      ];
      expect(shape(decoy)).toEqual(shape(real));
      expect((await tenants()).map(({ tenantName }) => tenantName)).toEqual(
        [...before.map(({ tenantName }) => tenantName), 'Globex'].sort(),
      );
      const [mail] = (await home.mails()).filter(({ to }) => to === 'boss@ACME.example');
      expect(mail).toMatchObject({
        subject: 'You have an account already',
        text: expect.stringContaining('http://platform.test'),
      });
      expect(mail?.text).not.toContain(PASSWORD);
    },
  );

  test('does not show in the check of the password or in missing work', async () => {
    await signUp(acme);
    let hashed = 0;
    const { identity } = home.deps;
    const stage = identity.stagedPassword;
    Object.assign(identity, {
      stagedPassword(...given: Parameters<typeof stage>) {
        hashed++;
        return stage(...given);
      },
    });
    expect((await signUp({ ...acme, tenant_name: 'Two', password: 'weak' })).status).toBe(422);
    await signUp({ ...acme, tenant_name: 'Two' });
    expect(hashed).toBe(1);
  });

  test('does not show in the time: a known email waits about as long as new ones did, and only then gets its response', async () => {
    provisioning.stop();
    await provisioning.done;
    const { clock, random } = home.deps;
    let now = clock.now();
    const pretended: { readonly ms: number; readonly end: () => void }[] = [];
    let onboarded = Promise.withResolvers<void>();
    Object.assign(home.deps, { completion: () => onboarded.promise });
    Object.assign(clock, {
      now: () => now,
      monotonic: () => now,
      after(ms: number, end: () => void) {
        if (ms === 10_000) {
          // A real sign-up waits for its tenant, which takes two seconds.
          now += 2_000;
          onboarded.resolve();
        } else pretended.push({ ms, end });
        return { cancel: () => undefined };
      },
    });
    expect((await signUp(acme)).status).toBe(201);
    expect(pretended).toEqual([]);

    // The moving average starts at 50 ms; the latest wait counts a fifth.
    const usualMs = 50 + (2_000 - 50) / 5;
    onboarded = Promise.withResolvers<void>();
    for (const [byte, factor] of [
      [0, 0.75],
      [255, 0.75 + 255 / 512],
    ] as const) {
      const chosen: RandomBytes = (count) => (count === 1 ? Uint8Array.of(byte) : random(count));
      Object.assign(home.deps, { random: chosen });
      let responded = false;
      const decoy = signUp({ ...acme, tenant_name: `Decoy ${byte}` }).finally(() => {
        responded = true;
      });
      while (pretended.length === 0 && !responded) await new Promise((resolve) => setTimeout(resolve, 5));
      await new Promise((resolve) => setTimeout(resolve, 50));
      const [wait] = pretended.splice(0);
      expect(responded).toBe(false);
      expect(wait?.ms).toBeCloseTo(usualMs * factor);
      wait?.end();
      expect((await decoy).status).toBe(201);
    }
  });

  test('does not show when two sign up with it at the same time', async () => {
    const responses = await Promise.all(['One', 'Two'].map((tenant_name) => signUp({ ...acme, tenant_name })));
    expect(responses.map(({ status }) => status)).toEqual([201, 201]);
    expect(await tenants()).toHaveLength(1);
  });
});

describe('ON-2: sign-up is limited per client', () => {
  const from = (address: string): CallOptions => ({ headers: { 'x-forwarded-for': address } });

  test('to the burst, then per minute, with the time to wait', async () => {
    const weak = { ...acme, password: 'weak' };
    for (let i = 0; i < 10; i++) expect((await signUp(weak, from('198.51.100.7'))).status).toBe(422);
    const refused = await signUp(weak, from('198.51.100.7'));
    expect([refused.status, refused.body, refused.headers.get('retry-after')]).toEqual([
      429,
      { message: 'Too Many Requests' },
      '12',
    ]);
    expect((await signUp(weak, from('203.0.113.1, 198.51.100.7'))).status).toBe(429);
    expect((await signUp(weak, from('198.51.100.8'))).status).toBe(422);
    home.advance(12_000);
    expect((await signUp(weak, from('198.51.100.7'))).status).toBe(422);
    expect((await signUp(weak, from('198.51.100.7'))).status).toBe(429);
  });

  test('before anything of the request is parsed, so that refused bodies count too', async () => {
    const manyKeys = JSON.stringify(Object.fromEntries(Array.from({ length: 1_500 }, (_, i) => [i, 1])));
    const bodies = [manyKeys, 'x'.repeat(16 * 1024 + 1), 'not JSON', '{}', '[]'];
    const statuses: number[] = [];
    for (const body of [...bodies, ...bodies]) {
      statuses.push((await home.call('POST', '/onboarding', body, { token: 'none', ...from('198.51.100.9') })).status);
    }
    expect(statuses.slice(0, 5)).toEqual([422, 413, 400, 422, 422]);
    expect((await signUp(acme, from('198.51.100.9'))).status).toBe(429);
    expect(await tenants()).toEqual([]);
  });

  test('with a bounded number of clients in memory', () => {
    const limiter = createRateLimiter(home.deps.clock, { burst: 1, maxKeys: 2 });
    expect(['a', 'b', 'a', 'c'].map((key) => limiter.take(key) === 0)).toEqual([true, true, false, true]);
    // 'b' was used least recently, so it was removed.
    expect(['a', 'b'].map((key) => limiter.take(key) === 0)).toEqual([false, true]);
  });
});

test('no password is in records, events, responses or logs', async () => {
  const secret = 'Very-secret-horse-9';
  await signUp({ ...acme, password: secret });
  await signUp({ ...acme, tenant_name: 'Two', password: secret });
  const body = { tenantData: { tenantName: 'Three', email: 't@t.example', tier: 'basic' }, adminPassword: secret };
  const registered = await home.call('POST', '/tenant-registrations', body);
  expect(registered.status).toBe(201);
  const seen = [
    JSON.stringify(await tenants()),
    JSON.stringify(await home.outbox()),
    (await home.call('GET', `/tenant-registrations/${registered.body.data.tenantRegistrationId}`)).text,
    home.logged.join('\n'),
    JSON.stringify(await home.mails()),
    JSON.stringify(home.stored()),
  ];
  expect(seen.filter((text) => text.includes(secret))).toEqual([]);
});
