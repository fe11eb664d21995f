import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { DomainError } from '../../../core/errors.ts';
import { stagedKey } from '../../../core/identity/users/user-records.ts';
import type { Body } from './home.ts';
import { type LightHome, startLightHome } from './light-home.ts';

const PASSWORD = 'Correct-horse-1';
const ACME = { tenant_name: 'Acme', email: 'boss@acme.example', password: PASSWORD };
/** How long a sign-up waits for its tenant at most. */
const LONGEST_WAIT_MS = 10_000;

let home: LightHome;
/** The lengths of all waits. */
let waits: number[];
/** Called when a sign-up begins to wait for its tenant. */
let whileWaiting: () => void;
beforeEach(async () => {
  home = await startLightHome();
  [waits, whileWaiting] = [[], () => undefined];
  Object.assign(home.clock, {
    after(ms: number, run: () => void) {
      waits.push(ms);
      if (ms === LONGEST_WAIT_MS) whileWaiting();
      else setImmediate(run);
      return { cancel: () => undefined };
    },
  });
  // Provisioning ends at once.
  Object.assign(home.deps, { completion: async () => undefined });
});
afterEach(async () => home[Symbol.asyncDispose]());

type Reply = Awaited<ReturnType<LightHome['call']>>;

function signUp(body: Body = ACME, headers: Record<string, string> = {}): Promise<Reply> {
  return home.call('POST', '/onboarding', body, { headers });
}

function register(tenantName: string, email: string): Promise<Reply> {
  return home.call('POST', '/tenant-registrations', { tenantData: { tenantName, email, tier: 'basic' } });
}

/** Runs `change` once, after the first look for the email and before the tenant is stored. */
function betweenTheLooks(change: () => Promise<unknown>): void {
  const { identity } = home.deps;
  const { emailTaken } = identity;
  Object.assign(identity, {
    async emailTaken(...given: Parameters<typeof emailTaken>) {
      Object.assign(identity, { emailTaken });
      await change();
      return emailTaken(...given);
    },
  });
}

const tenants = async (): Promise<Body[]> => (await home.call('GET', '/tenants')).body.data;
const names = async () => (await tenants()).map(({ tenantName }) => tenantName);
const mailsTo = async (address: string) => (await home.mails()).filter(({ to }) => to === address);

describe('ON-2: a sign-up that another request overtakes between the look for its email and the write', () => {
  test('with the same email gets the response of any other, and the owner of the email a mail', async () => {
    betweenTheLooks(() => register('First', ACME.email));
    const { status, body } = await signUp();
    expect([status, Object.keys(body), await names()]).toEqual([201, ['tenant_id'], ['First']]);
    expect((await tenants())[0].tenantId).not.toBe(body.tenant_id);
    const text = [
      "Someone, perhaps you, tried to sign up 'Acme' with this address.",
      'The address belongs to an account already, so nothing was created.',
      'Sign in at http://platform.test. If this was not you, you can ignore this mail.',
    ].join('\n\n');
    expect(await mailsTo(ACME.email)).toMatchObject([{ subject: 'You have an account already', text }]);
  });

  test('with the same name is refused', async () => {
    betweenTheLooks(() => register('ACME', 'other@acme.example'));
    const { status, body } = await signUp();
    expect([status, body.message]).toEqual([409, "Tenant name 'Acme' is taken"]);
    expect(await mailsTo(ACME.email)).toEqual([]);
  });

  test('fails if the store does, and nobody gets a mail', async () => {
    betweenTheLooks(async () => {
      await register('First', ACME.email);
      const { transact } = home.deps.table;
      Object.assign(home.deps.table, {
        async transact() {
          Object.assign(home.deps.table, { transact });
          throw new DomainError('UNAVAILABLE', 'the store is gone');
        },
      });
    });
    expect((await signUp()).status).toBe(503);
    expect(await mailsTo(ACME.email)).toEqual([]);
  });

  test('gets the response of an equal request that was faster, without waiting for a tenant of its own', async () => {
    const key = { 'idempotency-key': 'mine' };
    let first: Reply | undefined;
    betweenTheLooks(async () => {
      first = await signUp(ACME, key);
    });
    const second = await signUp(ACME, key);
    expect([second, await names()]).toEqual([{ status: 201, body: first?.body }, ['Acme']]);
    expect(waits.filter((ms) => ms === LONGEST_WAIT_MS)).toHaveLength(1);
    expect(await mailsTo(ACME.email)).toEqual([]);
  });
});

describe('ON-2: a sign-up', () => {
  test('stores the password sealed, and sends the request with its status', async () => {
    const { status, body } = await signUp();
    expect(status).toBe(201);
    expect(await home.deps.table.get(stagedKey(body.tenant_id))).toMatchObject({ data: { email: ACME.email } });
    expect(await home.outbox()).toMatchObject([
      { detailType: 'onboardingRequest', detail: { tenantId: body.tenant_id, registrationStatus: 'In progress' } },
    ]);
  });

  test.each<[what: string, change: object, issue: object]>([
    ['a reserved name', { tenant_name: 'www' }, { loc: ['body', 'tenant_name'], type: 'reserved' }],
    ['a weak password', { password: 'weak' }, { loc: ['body', 'password'], type: 'password_policy' }],
  ])('is refused for %s', async (_what, change, issue) => {
    const { status, body } = await signUp({ ...ACME, ...change });
    expect([status, body.detail[0]]).toMatchObject([422, issue]);
    expect(await home.outbox()).toEqual([]);
  });

  test('is refused for a taken name, also if the email is known', async () => {
    await register('ACME', ACME.email);
    expect(await signUp()).toMatchObject({ status: 409, body: { message: "Tenant name 'Acme' is taken" } });
  });

  test('may use the idempotency key of another company', async () => {
    const key = { 'idempotency-key': 'mine' };
    const other = { ...ACME, tenant_name: 'Globex', email: 'boss@globex.example' };
    const [first, second] = [await signUp(ACME, key), await signUp(other, key)];
    expect([first.status, second.status, second.body.tenant_id === first.body.tenant_id]).toEqual([201, 201, false]);
  });

  test('is limited per address, with the time to wait', async () => {
    const from = (address: string) => signUp({}, { 'x-forwarded-for': address });
    for (let i = 0; i < 10; i++) expect((await from('198.51.100.7')).status).toBe(422);
    expect(await from('198.51.100.7')).toEqual({ status: 429, body: { message: 'Too Many Requests' } });
    expect((await from('198.51.100.8')).status).toBe(422);
    expect((await signUp({})).status).toBe(422);
  });
});

test('ON-2: a known email waits as long as sign-ups usually do, plus or minus a quarter', async () => {
  const { random } = home.deps;
  const onboarded = Promise.withResolvers<void>();
  Object.assign(home.deps, { completion: () => onboarded.promise });
  // A real sign-up waits two seconds for its tenant.
  whileWaiting = () => {
    home.clock.advance(2_000);
    onboarded.resolve();
  };
  await signUp();
  // The moving average starts at 50 ms; the latest wait counts a fifth.
  const usualMs = 50 + (2_000 - 50) / 5;
  for (const [byte, factor] of [
    [0, 0.75],
    [255, 0.75 + 255 / 512],
  ] as const) {
    Object.assign(home.deps, { random: (count: number) => (count === 1 ? Uint8Array.of(byte) : random(count)) });
    waits.length = 0;
    await signUp({ ...ACME, tenant_name: `Decoy ${byte}` });
    expect(waits).toContainEqual(expect.closeTo(usualMs * factor));
  }
});

describe('ON-2: the response for a known email', () => {
  beforeEach(async () => {
    await register('First', ACME.email);
  });

  test('is kept for repetitions with the same key, which send no further mail', async () => {
    const key = { 'idempotency-key': 'mine' };
    const [first, second] = [await signUp(ACME, key), await signUp(ACME, key)];
    expect([first.status, second]).toEqual([201, first]);
    expect(await mailsTo(ACME.email)).toHaveLength(1);
    expect((await signUp({ ...ACME, tenant_name: 'Else' }, key)).status).toBe(422);
  });

  test('stays the same if the mail to the owner cannot be queued, and the log has the reason', async () => {
    const { send } = home.deps.mailer;
    Object.assign(home.deps.mailer, { send: async () => Promise.reject(new Error('no mail server')) });
    expect((await signUp()).status).toBe(201);
    Object.assign(home.deps.mailer, { send });
    expect(home.logged.filter((line) => line.includes('no mail server'))).toHaveLength(1);
  });

  test('stays the same if the owner has got too many mails', async () => {
    for (let i = 0; i < 10; i++) home.deps.mailLimits.take({ to: ACME.email });
    expect((await signUp()).status).toBe(201);
    expect(await mailsTo(ACME.email)).toEqual([]);
    expect(home.logged.join('\n')).toContain('this address has got too many mails');
  });

  test('comes without a wait where sign-ups do not wait', async () => {
    waits.length = 0;
    await signUp();
    expect(waits.filter((ms) => ms > 37 && ms < 63)).toHaveLength(1);
    Object.assign(home.deps, { completion: undefined });
    waits.length = 0;
    expect((await signUp({ ...ACME, tenant_name: 'Two' })).status).toBe(201);
    expect((await signUp({ ...ACME, tenant_name: 'Three', email: 'new@three.example' })).status).toBe(201);
    expect(waits.filter((ms) => (ms > 37 && ms < 63) || ms === LONGEST_WAIT_MS)).toEqual([]);
  });
});
