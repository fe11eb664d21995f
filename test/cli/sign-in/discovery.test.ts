import { expect, test } from '@jest/globals';
import { describePlatform, metadataOf, normalizeUrl } from '../../../cli/sign-in/discovery.ts';
import { startScriptedServer } from './issuer.ts';

test.each([
  ['https://saas.example.com/', 'https://saas.example.com'],
  ['https://saas.example.com/shop//', 'https://saas.example.com/shop'],
  ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
  ['http://localhost:8080/', 'http://localhost:8080'],
  ['http://[::1]:8080', 'http://[::1]:8080'],
])('takes %s as an address', (given, expected) => {
  expect(normalizeUrl(given)).toBe(expected);
});

test.each([
  ['http://saas.example.com'],
  ['http://127.0.0.1.evil.example'],
  ['http://localhost.evil.example'],
  ['http://10.0.0.1'],
  ['ftp://saas.example.com'],
  ['saas.example.com'],
  [''],
])('refuses %p as an address', (given) => {
  expect(() => normalizeUrl(given)).toThrow('must begin with https://');
});

test('puts the APIs below the address that the user gave', async () => {
  const issuer = 'https://issuer.example';
  await using server = await startScriptedServer(() => ({
    status: 200,
    body: { issuer, clientId: 'cli', scope: 'openid', controlPlanePath: '/control-plane', apiPath: '/api' },
  }));
  expect(await describePlatform(`${server.url}/`)).toEqual({
    url: server.url,
    issuer,
    clientId: 'cli',
    scope: 'openid',
    controlPlaneUrl: `${server.url}/control-plane`,
    apiUrl: `${server.url}/api`,
  });
});

test.each([
  ['an address in place of a path', { controlPlanePath: 'https://evil.example' }],
  ['a path that leads to another host', { controlPlanePath: '@evil.example' }],
  ['no issuer', { issuer: undefined }],
])('refuses a description with %s', async (_what, change) => {
  const body = { issuer: 'https://a.example', clientId: 'cli', scope: 'openid', controlPlanePath: '', ...change };
  await using server = await startScriptedServer(() => ({ status: 200, body }));
  await expect(describePlatform(server.url)).rejects.toMatchObject({ code: 'INVALID' });
});

test('follows no redirect, and says where it leads', async () => {
  await using server = await startScriptedServer(() => ({ status: 302, location: 'https://evil.example/x?secret' }));
  await expect(describePlatform(server.url)).rejects.toThrow(/status 302 and redirects to https:\/\/evil\.example$/);
  expect(server.received).toHaveLength(1);
});

test.each([
  ["another issuer's document", (url: string) => ({ issuer: `${url}/other` })],
  ['an insecure token endpoint', (url: string) => ({ issuer: url, token_endpoint: 'http://evil.example/token' })],
])('refuses %s', async (_what, change) => {
  let url = '';
  await using server = await startScriptedServer(() => ({
    status: 200,
    body: { authorization_endpoint: `${url}/auth`, token_endpoint: `${url}/token`, ...change(url) },
  }));
  url = server.url;
  await expect(metadataOf(url)).rejects.toMatchObject({ code: 'INVALID' });
});
