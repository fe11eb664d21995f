import { describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { describeDemoSite, seeHeading, signIn } from './demo-site.ts';

describeDemoSite('UI-3: in a real browser', (site) => {
  describe('the start page', () => {
    test('DX-1: shows what runs, for which tenants, and what to try', async () => {
      await using visitor = await site.visit(await site.operatorPath('startPage'));
      const { page } = visitor;
      for (const [name, tier] of Object.entries({ acme: 'Basic', globex: 'Advanced', initech: 'Premium' })) {
        const tile = page.getByRole('listitem').filter({ hasText: `admin@${name}.example` });
        expect(await tile.getByText(tier, { exact: true }).isVisible()).toBe(true);
        expect(await tile.getByText('active', { exact: true }).isVisible()).toBe(true);
      }
      const rows = page.getByRole('region', { name: 'Services by tenant' }).getByRole('row');
      const texts = (await rows.allInnerTexts()).slice(1).map((text) => text.replace(/\s+/g, ' '));
      const tasks = 'orders 1 of 1 products 1 of 1 users 1 of 1';
      expect(texts).toEqual([`all pooled tenants pool ${tasks}`, `globex shared ${tasks}`, `initech its own ${tasks}`]);
      expect(await page.getByText(`npx tierplane --data-dir ${site.platform.dataDir} tenants list`).isVisible()).toBe(
        true,
      );
      await visitor.expectFitPage(/^What runs here · Tierplane$/);
    });

    test('has no broken link', async () => {
      await using visitor = await site.visit(await site.operatorPath('startPage'));
      const links = await visitor.page.getByRole('link').all();
      const targets = await Promise.all(links.map((link) => link.getAttribute('href')));
      expect(new Set(targets).size).toBeGreaterThanOrEqual(7);
      for (const target of new Set(targets.map(String))) {
        expect([target, (await visitor.page.request.get(site.url(target))).status()]).toEqual([target, 200]);
      }
    });
  });

  describe('the API docs of the control plane', () => {
    test('DX-4: list every operation and send real requests', async () => {
      const token = await site.platform.adminToken();
      await using visitor = await site.visit();
      const { page } = visitor;
      await page.getByRole('link', { name: 'API docs' }).click();
      await seeHeading(page, 'Tierplane control plane');
      await visitor.expectFitPage(/^API docs · Tierplane$/);

      const response = await page.request.get(site.platform.urls.openapi);
      const { paths } = (await response.json()) as { paths: Record<string, object> };
      const described = Object.entries(paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
      );
      const listed = await page.locator('summary:has(.method) code').allInnerTexts();
      expect(listed.map((text) => text.replace(/\s+/g, ' ')).sort()).toEqual(described.sort());

      const list = operation(page, 'List tenants in order of name');
      await list.getByText('List tenants').click();
      await list.getByRole('button', { name: 'Send' }).click();
      await list.getByText('401 in').waitFor();
      await page.getByLabel('Access token').fill(token);
      await list.getByLabel('name', { exact: true }).fill('glo');
      await list.getByRole('button', { name: 'Send' }).click();
      await list.getByText('200 in').waitFor();
      expect(await list.getByRole('status').innerText()).toContain('"tenantName": "globex"');
      expect(await list.getByRole('status').innerText()).not.toContain('acme');

      expect(
        await page.getByText(`npx tierplane --url ${site.platform.urls.publicUrl} token --admin`).isVisible(),
      ).toBe(true);

      const register = operation(page, 'Register a tenant and start its onboarding');
      await register.getByText('Register a tenant').click();
      await visitor.expectFitPage(/^API docs · Tierplane$/);
      const body = { tenantData: { tenantName: 'Hooli', email: 'jo@hooli.example', tier: 'huge' } };
      await register
        .getByRole('textbox', { name: 'Body', exact: true })
        .fill(JSON.stringify({ ...body, tenantRegistrationData: {} }));
      await register.getByRole('button', { name: 'Send' }).click();
      await register.getByText('422 in').waitFor();
      expect(await register.getByRole('status').innerText()).toContain('"tier"');
      await page.getByRole('link', { name: 'Start page' }).click();
      await seeHeading(page, 'Your platform is running');
    }, 60_000);
  });

  describe('an address', () => {
    test.each([
      ['that nothing is at', '/nowhere', 404, 'Not found', 'Start page'],
      ['of the mailbox without its token', '/mailbox', 403, 'The mailbox needs its link', 'Start page'],
      ['of a realm that does not exist', '/realms/tenant-nobody00/account', 404, 'Page not found', 'Start page'],
      ['of a sign-in that is over', '/realms/pool/interaction/gone', 400, 'This sign-in has ended', 'Sign in'],
      ['with a client that is unknown', '/realms/pool/auth?client_id=evil', 400, 'This did not work', 'Sign in'],
    ])('%s says so and shows the way on', async (_what, path, status, heading, way) => {
      await using visitor = await site.visit(path);
      const { page } = visitor;
      expect((await page.request.get(site.url(path))).status()).toBe(status);
      await seeHeading(page, heading);
      await visitor.expectFitPage(/ · Tierplane$/);
      await page.getByRole('link', { name: way, exact: true }).click();
      await seeHeading(page, way === 'Sign in' ? 'Sign in' : 'Your platform is running');
    });

    test('deep in the site works when opened directly, and keeps no authorization code', async () => {
      const { email, password } = site.person('initech');
      const { data } = (
        await site.platform.admin<{ data: { tenantName: string; tenantId: string }[] }>('GET', '/tenants')
      ).body;
      const tenantId = data.find(({ tenantName }) => tenantName === 'initech')?.tenantId;
      const account = site.url(`/realms/tenant-${tenantId}/account`);
      await using visitor = await site.visit(`${account}?login_hint=${encodeURIComponent(email)}`);
      const { page } = visitor;
      expect(await page.getByLabel('Email or user name').inputValue()).toBe(email);
      await signIn(page, email, password);
      await seeHeading(page, 'You are signed in');
      expect(page.url()).toBe(account);
      await page.reload();
      await seeHeading(page, 'You are signed in');
      await page.goto(`${site.platform.urls.controlPlane}/docs`);
      await seeHeading(page, 'Tierplane control plane');
      await page.goBack();
      await seeHeading(page, 'You are signed in');
    });
  });
});

function operation(page: Page, summary: string) {
  return page.getByRole('group').filter({ hasText: summary });
}
