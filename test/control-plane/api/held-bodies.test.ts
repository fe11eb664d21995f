import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openClientCredentials } from '../../../adapters/embedded/identity/client-credentials.ts';
import { createPrincipals } from '../../../control-plane/api/http/principal.ts';
import { LOCAL_OPERATIONS } from '../../../control-plane/api/local-operations.ts';
import { createOperations } from '../../../control-plane/api/operations.ts';
import { DomainError } from '../../../core/errors.ts';
import { envelope } from '../../../core/events/events.ts';
import { REJECTED } from '../../../core/events/outbox-partitions.ts';
import type { Access } from '../../../core/http/access.ts';
import { ADMIN_SCOPES, LOCAL_CREDENTIAL } from '../../../core/identity/issuers.ts';
import { put } from '../../../core/ports/table.ts';
import { keyOf } from '../../../core/ports/table-rules.ts';
import { type TenantRecord, tenantItem, tenantKey } from '../../../core/tenant/record.ts';
import { beforeNextWrite } from '../../support/before-next-write.ts';
import { holdRequest } from '../../support/held-request.ts';
import { type Body, type Home, registration, startHome } from './home.ts';

/** A body that is valid for each operation with one, so that nothing but the caller keeps it from having its effect. */
const BODIES: Readonly<Record<string, Body>> = {
  createTenantRegistration: { ...registration('Late'), adminPassword: 'Correct-horse-7' },
  updateTenantRegistration: { tenantData: { tenantName: 'Late' } },
  createSystemUser: { userName: 'late', userRole: 'SystemAdmin', email: 'late@platform.example' },
  updateSystemUser: { userRole: 'SystemAdmin', email: 'late@platform.example' },
  createCredential: { name: 'late' },
  inviteTenantAdmin: { email: 'late@target.example' },
  setSystemUserPassword: { password: 'Correct-horse-7-admin' },
  restartService: { cluster: 'pool', tenantId: null, service: 'orders' },
  scaleService: { cluster: 'pool', tenantId: null, service: 'orders', desired: 2 },
  updateTenantRelease: {},
};

const OPERATIONS = createOperations(LOCAL_OPERATIONS).filter(({ access }) => access.kind === 'user');
/** Only the credential of the platform's own machine may call them, and nobody can take it away. */
const FOR_THE_MACHINE = ['setSystemUserPassword'];
const CHANGES = OPERATIONS.filter(({ method }) => method !== 'GET');
/** Their effects are not in the control plane's records, so the check right before the operation is the last one. */
const OUTSIDE_THE_TABLE = ['restartService', 'scaleService', 'updateTenantRelease'];

/** What can happen to each kind of caller, and the status that follows. */
const LOSSES = [
  ['user', 'demoted'],
  ['user', 'signed out'],
  ['user', 'disabled'],
  ['user', 'deleted'],
  ['credential', 'deleted'],
] as const;
const STATUS: Readonly<Record<string, number>> = { demoted: 403, 'signed out': 401, disabled: 401, deleted: 401 };

/** A demotion takes no right from a caller that needs no role. */
function lossesThatMatter(access: Access) {
  const needsRole = access.kind === 'user' && access.role !== undefined;
  return LOSSES.filter(([, loss]) => needsRole || loss !== 'demoted');
}

/** A caller whose rights a test can take away. */
interface Caller {
  readonly authorization: string;
  readonly losses: Readonly<Record<string, () => Promise<unknown>>>;
}

interface Scene {
  readonly home: Home;
  readonly url: (template: string) => string;
  newCaller(kind: 'user' | 'credential' | 'machine'): Promise<Caller>;
}

async function openScene(): Promise<Scene> {
  const home = await startHome({
    authorize: ({ table, credentials }) =>
      createPrincipals({
        table,
        ...(credentials && { credentials }),
        async authorize(header = '') {
          const subject = header.replace('Bearer ', '');
          if (subject === '') throw new DomainError('UNAUTHENTICATED', 'no token');
          const issuedAt = Math.floor(Date.now() / 1_000) - 1;
          const clientId = subject.startsWith('credential-') ? subject : 'tierplane-cli';
          return { issuer: 'x', realm: 'admin', subject, clientId, scopes: ADMIN_SCOPES, issuedAt, expiresAt: 4e9 };
        },
      }),
  });
  const { identity, credentials, table } = home.deps;
  if (!credentials) throw new Error('the home must have credentials');
  await openClientCredentials(home.deps).renewLocal();
  let count = 0;

  async function newCaller(kind: 'user' | 'credential' | 'machine'): Promise<Caller> {
    count += 1;
    if (kind === 'machine') return { authorization: `Bearer ${LOCAL_CREDENTIAL}`, losses: {} };
    if (kind === 'credential') {
      const options = { name: 'caller', scopes: ADMIN_SCOPES, createdBy: 'test' };
      const { clientId } = (await credentials?.create(options))?.credential ?? { clientId: '' };
      return { authorization: `Bearer ${clientId}`, losses: { deleted: async () => credentials?.delete(clientId) } };
    }
    const userName = `caller-${count}`;
    const email = `${userName}@platform.example`;
    // Only the first one has signed in and can replace the others: hashing a password takes long.
    const password = count === 1 ? { password: 'Correct-horse-7-admin' } : {};
    const { subject } = await identity.createUser('admin', { userName, email, role: 'SystemAdmin', ...password });
    return {
      authorization: `Bearer ${subject}`,
      losses: {
        demoted: () => identity.updateUser('admin', userName, { role: 'Auditor' }),
        'signed out': () => identity.endSessions('admin', userName),
        disabled: () => identity.setUserEnabled('admin', userName, false),
        deleted: () => identity.deleteUser('admin', userName),
      },
    };
  }

  // Somebody who remains, and something that each operation can change.
  const { authorization } = await newCaller('user');
  const headers = { authorization, 'content-type': 'application/json' };
  const body = JSON.stringify(registration('Target'));
  const created = await fetch(`${home.url}/tenant-registrations`, { method: 'POST', headers, body });
  const { tenantId } = ((await created.json()) as Body).data;
  await identity.createUser('admin', { userName: 'target', email: 'target@platform.example', role: 'Auditor' });
  const target = await credentials.create({ name: 'target', scopes: [], createdBy: 'test' });
  const event = envelope('01dead', 'onboardingRequest', {}, 0);
  await table.transact([put({ ...REJECTED, sk: '01dead', version: 1, data: { event, reason: 'test' } })]);
  const parameters: Record<string, string> = {
    ...{ tenantId, tenantRegistrationId: `reg-${tenantId}`, userName: 'target' },
    ...{ clientId: target.credential.clientId, id: 'outbox~01dead' },
  };
  const url = (template: string) =>
    `${home.url}${template.replaceAll(/\{(\w+)\}/g, (_all, name) => encodeURIComponent(parameters[name] ?? name))}`;
  return { home, url, newCaller };
}

async function setState({ table }: Home['deps'], id: string, state: TenantRecord['state']): Promise<void> {
  const item = await table.get(tenantKey(id));
  if (!item) throw new Error('no such tenant');
  await table.transact([put(tenantItem({ ...item.data, state }, item.version + 1))]);
}

function bodyOf(id: string): string {
  return JSON.stringify(BODIES[id] ?? {});
}

/** Everything that an operation may change. The delivery of earlier mails goes on. */
function effects(home: Home): unknown {
  const rows = home.stored() as readonly { readonly pk: string; readonly sk: string }[];
  const stored = rows.map((row) => (row.pk === 'mail' ? row.sk : row));
  return { stored, runtime: [...home.runtimeCalls] };
}

test.each(OPERATIONS.filter(({ body }) => body))('$id has a valid body in this test', ({ id, body }) => {
  expect(body?.safeParse(BODIES[id]).success).toBe(true);
});

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(async () => scene?.home[Symbol.asyncDispose]());

describe('ID-4: a caller who loses the right while the body is on its way', () => {
  test.each(OPERATIONS)('$method $path: is refused, and nothing changes', async ({ id, method, path, access }) => {
    const { home, url, newCaller } = scene;
    for (const [kind, loss] of lossesThatMatter(access)) {
      const { authorization, losses } = await newCaller(kind);
      const held = await holdRequest(url(path), { method, headers: { authorization }, body: bodyOf(id) });
      await losses[loss]?.();
      const before = effects(home);
      expect({ loss, status: (await held.finish()).status }).toEqual({ loss, status: STATUS[loss] });
      expect(effects(home)).toEqual(before);
    }
  });

  test.each(CHANGES.filter(({ id }) => ![...OUTSIDE_THE_TABLE, ...FOR_THE_MACHINE].includes(id)))(
    '$method $path: is refused even at the moment of the write',
    async ({ id, method, path, access }) => {
      const { home, url, newCaller } = scene;
      for (const [kind, loss] of lossesThatMatter(access)) {
        // A credential has no sessions of its own.
        if (path.startsWith('/me/') && kind === 'credential') continue;
        await prepare(home, id, url(path));
        const { authorization, losses } = await newCaller(kind);
        let before: unknown;
        beforeNextRequestWrite(home, async () => {
          await losses[loss]?.();
          before = effects(home);
        });
        const headers = { authorization, 'content-type': 'application/json' };
        const response = await fetch(url(path), { method, headers, body: bodyOf(id) });
        // A deleted caller's own record is not found, if that is noticed first.
        const isOwn = path.startsWith('/me/') && loss === 'deleted' && response.status === 404;
        expect({ loss, status: response.status }).toEqual({ loss, status: isOwn ? 404 : STATUS[loss] });
        expect(before).toBeDefined();
        expect(effects(home)).toEqual(before);
      }
    },
  );
});

test.each(CHANGES)('$method $path has its effect if nothing happens meanwhile', async ({ id, method, path }) => {
  const { home, url, newCaller } = await openScene();
  await using _home = home;
  await prepare(home, id, url(path));
  const { authorization } = await newCaller(FOR_THE_MACHINE.includes(id) ? 'machine' : 'user');
  const held = await holdRequest(url(path), { method, headers: { authorization }, body: bodyOf(id) });
  expect((await held.finish()).status).toBeLessThan(300);
});

test.each([
  ['createProbe', '/operator/tenants/{tenantId}/probe'],
  ['inviteTenantAdmin', '/tenants/{tenantId}/invitation'],
])("ON-7: %s creates no user at the moment in which the tenant's deletion begins", async (id, template) => {
  const { home, url, newCaller } = await openScene();
  await using _home = home;
  const path = url(template);
  await prepare(home, id, path);
  const { authorization } = await newCaller('credential');
  beforeNextRequestWrite(home, () => setState(home.deps, targetOf(path), 'deprovisioning'));
  const headers = { authorization, 'content-type': 'application/json' };
  const response = await fetch(path, { method: 'POST', headers, body: bodyOf(id) });
  expect(response.status).toBe(409);
  expect((await home.deps.identity.users('pool', { limit: 10 })).items).toEqual([]);
});

test.each(OPERATIONS)('$method $path refuses a stranger before the body has arrived', async ({ method, path }) => {
  const held = await holdRequest(scene.url(path), { method, headers: {}, body: '{}' });
  expect((await held.early()).status).toBe(401);
});

/** Runs `change` right before the next transaction of a request. The mailer's own go on meanwhile. */
function beforeNextRequestWrite({ deps: { table } }: Home, change: () => Promise<unknown>): void {
  beforeNextWrite(table, change, (writes) => writes.some((write) => keyOf(write).pk !== 'mail'));
}

/** Brings the target tenant into a state in which the operation has an effect. */
async function prepare({ deps }: Home, operationId: string, url: string): Promise<void> {
  if (operationId === 'retryTenantRegistration') await setState(deps, targetOf(url), 'failed');
  const tenantId = targetOf(url);
  if (operationId === 'inviteTenantAdmin') await setState(deps, tenantId, 'active');
  if (!operationId.endsWith('Probe')) return;
  await setState(deps, tenantId, 'active');
  const email = `probe@${tenantId}.invalid`;
  if ((await deps.identity.user('pool', email)) || operationId === 'createProbe') return;
  await deps.identity.createUser('pool', {
    userName: email,
    email,
    role: 'Probe',
    tenantId,
    password: 'Correct-horse-7',
  });
}

/** The tenant in a URL. */
function targetOf(url: string): string {
  return /\/(?:reg-|tenants\/)([a-z0-9]+)/.exec(url)?.[1] ?? '';
}
