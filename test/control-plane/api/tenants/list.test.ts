import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { insertTenant } from '../../../../control-plane/api/tenants/tenant-store.ts';
import type { Body } from '../home.ts';
import { type LightHome, startLightHome } from '../light-home.ts';
import { tenantRecord } from './stored-tenants.ts';

let home: LightHome;
beforeEach(async () => {
  home = await startLightHome();
  for (const [i, slug] of ['acme', 'acme-corp', 'beta', 'gone'].entries()) {
    const fields = { tenantId: `tenant0${i}`, slug, tenantName: slug, email: `${i}@x.test` };
    const more = { tier: i === 1 ? 'premium' : 'basic', state: slug === 'gone' ? 'deleted' : 'active' } as const;
    await insertTenant(home.deps, tenantRecord({ ...fields, ...more }), []);
  }
});
afterEach(async () => home[Symbol.asyncDispose]());

test.each<[query: Record<string, string>, pages: string[][]]>([
  [{}, [['acme', 'acme-corp'], ['beta']]],
  [
    { include: 'deleted' },
    [
      ['acme', 'acme-corp'],
      ['beta', 'gone'],
    ],
  ],
  [{ name: 'Acme C' }, [['acme-corp']]],
  [{ name: 'ACME' }, [['acme', 'acme-corp']]],
  [{ state: 'deleted' }, [['gone']]],
  [{ tier: 'Basic' }, [['acme', 'beta']]],
  [{ tier: 'basic', include: 'deleted' }, [['acme', 'beta'], ['gone']]],
])('the query %j lists the tenants that it names, page by page', async (given, pages) => {
  for (const list of ['/tenants', '/tenant-registrations']) {
    const found: string[][] = [];
    let token: string | undefined = '';
    while (token !== undefined && found.length < 9) {
      const query: Record<string, string> = { ...given, limit: '2', next_token: token };
      const { body }: { body: Body } = await home.call('GET', list, undefined, { query });
      found.push(body.data.map(({ tenantId }: Body) => ['acme', 'acme-corp', 'beta', 'gone'][Number(tenantId.at(-1))]));
      token = body.next_token;
    }
    expect(found).toEqual(pages);
  }
});
