import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { insertTenant } from '../../../../control-plane/api/tenants/tenant-store.ts';
import type { TenantState } from '../../../../core/tenant/lifecycle.ts';
import { type LightHome, startLightHome } from '../light-home.ts';
import { tenantRecord } from '../tenants/stored-tenants.ts';

let home: LightHome;
let count = 0;

beforeAll(async () => {
  home = await startLightHome();
});
afterAll(async () => home[Symbol.asyncDispose]());

async function newTenant(tenantName: string, state: TenantState = 'active') {
  const tenantId = `tenant0${++count}`;
  await insertTenant(
    home.deps,
    tenantRecord({ tenantId, tenantName, slug: tenantId, email: `${count}@x.test`, state }),
    [],
  );
  return { tenantId };
}

const probePath = (tenantId: string) => `/operator/tenants/${tenantId}/probe`;

describe('the probe of a tenant', () => {
  test('is a user of the pooled realm that no service accepts, with a strong password', async () => {
    const { tenantId } = await newTenant('Probed');
    const { status, body } = await home.call('POST', probePath(tenantId));
    const userName = `probe@${tenantId}.invalid`;
    expect([status, body]).toEqual([
      201,
      { data: { userName, password: expect.stringMatching(/^Pr0be-[A-Za-z0-9_-]{24}$/) } },
    ]);
    expect(await home.deps.identity.user('pool', userName)).toMatchObject({
      ...{ userName, email: userName, role: 'Probe', tenantId },
    });
    expect(home.logged.join('\n')).toContain('probe created');
    expect(home.logged.join('\n')).not.toContain(body.data.password);
  });

  test('is replaced by the next one, with another password', async () => {
    const { tenantId } = await newTenant('Probed twice');
    const [first, second] = [
      await home.call('POST', probePath(tenantId)),
      await home.call('POST', probePath(tenantId)),
    ];
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body.data.userName).toBe(first.body.data.userName);
    expect(second.body.data.password).not.toBe(first.body.data.password);
  });

  test('is in the realm of a tenant that has its own', async () => {
    const { tenantId } = await newTenant('Own realm');
    const realm = `tenant-${tenantId}` as const;
    await home.deps.identity.ensureRealm({ id: realm, displayName: 'Own', tenantId });
    const { body } = await home.call('POST', probePath(tenantId));
    expect(await home.deps.identity.user(realm, body.data.userName)).toBeDefined();
    expect(await home.deps.identity.user('pool', body.data.userName)).toBeUndefined();
  });

  test('is deleted, also if there is none', async () => {
    const { tenantId } = await newTenant('Deleted probe');
    const { body } = await home.call('POST', probePath(tenantId));
    for (let i = 0; i < 2; i++) {
      const deleted = await home.call('DELETE', probePath(tenantId));
      expect([deleted.status, deleted.body]).toEqual([200, { message: 'Probe deleted' }]);
    }
    expect(await home.deps.identity.user('pool', body.data.userName)).toBeUndefined();
  });

  test.each(['POST', 'DELETE'])(
    'cannot be requested by %s for a tenant that is not active, or does not exist',
    async (method) => {
      const { tenantId } = await newTenant(`Registered ${method}`, 'registered');
      const refused = await home.call(method, probePath(tenantId));
      expect([refused.status, refused.body.message]).toEqual([409, 'The tenant must be active, but it is registered']);
      expect((await home.call(method, probePath('unknown0'))).status).toBe(404);
      expect(await home.deps.identity.user('pool', `probe@${tenantId}.invalid`)).toBeUndefined();
    },
  );
});
