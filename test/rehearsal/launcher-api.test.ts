import { beforeAll, expect, jest, test } from '@jest/globals';
import { type PublicResponse, requestPublic } from '../../rehearsal/public-address.ts';
import { Stacks } from '../../rehearsal/stacks.ts';
import { describeWithContainers } from './account.ts';
import { apiTemplate, BURST_OF_T1, KEYS } from './task/api-template.ts';
import { buildTaskImage } from './task/image.ts';
import { serviceTemplate } from './task/template.ts';

jest.setTimeout(120_000);

/** What the service received, which it returns. */
interface Echo {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

describeWithContainers('a REST API in front of a service in an emulated account', (account, engine) => {
  let api = '';
  let dnsName = '';
  beforeAll(async () => {
    buildTaskImage(engine());
    const stacks = new Stacks(account());
    const service = await stacks.create('behind', serviceTemplate('behind', { environment: { RELEASE: 'r1' } }));
    dnsName = service.outputs.DnsName ?? '';
    const created = await stacks.create('api', apiTemplate(dnsName, service.outputs.LoadBalancerArn ?? ''));
    expect(created).toMatchObject({ status: 'CREATE_COMPLETE', failures: [] });
    api = `https://${created.outputs.ApiId}.execute-api.us-east-1.amazonaws.com/prod`;
  }, 240_000);

  type Options = Parameters<typeof requestPublic>[2];
  const as = (token: string, path: string, options: Options = {}): Promise<PublicResponse> =>
    requestPublic(account(), `${api}${path}`, { ...options, headers: { authorization: token, ...options.headers } });

  test('method, path, query, headers and body reach the service, and its whole response the client', async () => {
    const response = await as('t2', '/items/a%20b%25c?q=1&q=2&empty=', {
      method: 'PATCH',
      headers: { 'content-type': 'text/plain', 'x-own': 'own' },
      body: 'body',
    });
    expect(response).toMatchObject({ status: 200, headers: { 'x-release': 'r1', 'content-type': 'application/json' } });
    const echo = JSON.parse(response.text) as Echo;
    expect(echo).toMatchObject({ method: 'PATCH', url: '/items/a%20b%25c?q=1&q=2&empty=', body: 'body' });
    expect(echo.headers).toMatchObject({ 'x-own': 'own', 'content-type': 'text/plain', host: dnsName });
  });

  test('a query parameter can be mapped to another one, in place of what the client sends under its name', async () => {
    const urlOf = async (path: string) => (JSON.parse((await as('t2', path)).text) as Echo).url;
    expect(await urlOf('/echo?p=7&page=evil&q=1')).toBe('/echo?p=7&q=1&page=7');
    expect(await urlOf('/echo?page=evil&q=1')).toBe('/echo?q=1');
  });

  test('headers that API Gateway sends itself are returned under another name', async () => {
    const { headers } = await as('t2', '/echo');
    const date = expect.stringMatching(/ GMT$/);
    expect(headers).toMatchObject({ 'x-amzn-remapped-www-authenticate': 'Echo', 'x-amzn-remapped-date': date });
    expect(headers['www-authenticate']).toBeUndefined();
  });

  test('a service that does not respond in time gives 504', async () => {
    const { status, text } = await as('t2', '/hasty');
    expect([status, text]).toEqual([504, '{"message":"Endpoint request timed out"}']);
  });

  test.each([400, 404, 409, 429, 500, 503])("a service's %d arrives as it is, at once", async (status) => {
    const started = performance.now();
    const response = await as('t2', `/status/${status}`);
    expect(response).toMatchObject({ status, headers: { 'x-release': 'r1' } });
    expect(JSON.parse(response.text)).toMatchObject({ url: `/status/${status}` });
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test('redirects are returned, not followed', async () => {
    expect(await as('t2', '/status/302')).toMatchObject({ status: 302, headers: { location: '/elsewhere' } });
  });

  test("headers that the client sends are overwritten by the authorizer's context, or removed where it has no value", async () => {
    const headers = { 'X-Tenant': 'evil', 'x-absent': 'evil', 'X-FIXED': 'evil', 'x-api-key': KEYS.t1 };
    const { headers: received } = JSON.parse((await as('t2', '/echo', { headers })).text) as Echo;
    expect(received).toMatchObject({ 'x-tenant': 't2', 'x-fixed': 'fixed' });
    expect(Object.keys(received)).not.toEqual(expect.arrayContaining(['x-absent']));
    expect(Object.keys(received)).not.toEqual(expect.arrayContaining(['x-api-key']));
    expect(JSON.stringify(received)).not.toMatch(/evil|key-of/);
  });

  test("the authorizer's key chooses the usage plan: one tenant is throttled, another is not, and a client's key has no effect", async () => {
    const statuses: number[] = [];
    for (let i = 0; i < BURST_OF_T1 + 2; i++) statuses.push((await as('t1', '/echo')).status);
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
    const spoofed = await as('t1', '/echo', { headers: { 'x-api-key': KEYS.t2 } });
    expect([spoofed.status, spoofed.text]).toEqual([429, '{"message":"Too Many Requests"}']);
    expect((await as('t2', '/echo', { headers: { 'x-api-key': KEYS.t1 } })).status).toBe(200);
    const without = await as('t3', '/echo', { headers: { 'x-api-key': KEYS.t2 } });
    expect([without.status, without.text]).toEqual([403, '{"message":"Forbidden"}']);
    expect((await requestPublic(account(), `${api}/echo`)).status).toBe(401);
  });

  test('many requests at once are all served', async () => {
    const responses = await Promise.all(Array.from({ length: 40 }, (_, i) => as('t2', `/echo/${i}`)));
    expect(responses.map(({ status }) => status)).toEqual(Array.from({ length: 40 }, () => 200));
  });

  test('an internal load balancer is not reached without a VPC link', async () => {
    expect((await as('t2', '/direct')).status).toBe(504);
  });
});
