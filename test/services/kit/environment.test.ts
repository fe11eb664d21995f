import { describe, expect, test } from '@jest/globals';
import { readEnvironment } from '../../../services/kit/environment.ts';

describe('the environment of a task', () => {
  const GOOD = {
    TIERPLANE_SERVICE: 'products',
    TIERPLANE_SOCKET: '/run/p.sock',
    TIERPLANE_TASK_ID: 'task-1',
    TIERPLANE_TENANT: '',
    TIERPLANE_DATA_FILE: '/data/products.db',
    TIERPLANE_ISSUERS: '[]',
    TIERPLANE_IDENTITY_URL: 'http://127.0.0.1:8080/',
  };

  test('is read with its issuers, and with a URL without a slash at its end', () => {
    expect(readEnvironment(GOOD)).toMatchObject({
      TIERPLANE_ISSUERS: [],
      TIERPLANE_IDENTITY_URL: 'http://127.0.0.1:8080',
    });
  });

  test('is refused with every error at once', () => {
    const bad = {
      ...GOOD,
      TIERPLANE_SOCKET: '/'.repeat(108),
      TIERPLANE_TENANT: 'Not An Id',
      TIERPLANE_ISSUERS: 'no json',
      TIERPLANE_IDENTITY_URL: 'ftp://x',
      TIERPLANE_DATA_FILE: undefined,
    };
    const names = [
      'TIERPLANE_SOCKET',
      'TIERPLANE_TENANT',
      'TIERPLANE_ISSUERS',
      'TIERPLANE_IDENTITY_URL',
      'TIERPLANE_DATA_FILE',
    ];
    expect(() => readEnvironment(bad)).toThrow(
      expect.objectContaining({ code: 'CONFIG', message: expect.stringMatching(/5 errors/) }),
    );
    expect(() => readEnvironment(bad)).toThrow(/TIERPLANE_TENANT: must be a tenant id or empty\n/);
    expect(() => readEnvironment(bad)).toThrow(/TIERPLANE_ISSUERS: must be JSON\n/);
    for (const name of names) expect(() => readEnvironment(bad)).toThrow(name);
  });

  test.each(['httpx://identity', 'xhttp://identity', 'file:///identity'])('refuses the identity URL %s', (url) => {
    expect(() => readEnvironment({ ...GOOD, TIERPLANE_IDENTITY_URL: url })).toThrow('TIERPLANE_IDENTITY_URL');
  });

  test("may name a tenant, and has the path of an issuer's error", () => {
    expect(readEnvironment({ ...GOOD, TIERPLANE_TENANT: 'tenantaaaa' }).TIERPLANE_TENANT).toBe('tenantaaaa');
    const issuer = { issuer: 'https://a', realm: 'pool', clientIds: [], audience: 'b', jwksUri: '' };
    const read = () => readEnvironment({ ...GOOD, TIERPLANE_ISSUERS: JSON.stringify([issuer]) });
    expect(read).toThrow('TIERPLANE_ISSUERS.0.jwksUri: ');
  });
});
