import { describe, expect, test } from '@jest/globals';
import { keySetOf } from '../../../adapters/aws/identity/key-set.ts';
import { readAwsEnvironment } from '../../../services/kit/environment-aws.ts';

const ISSUER = 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Abc123';
const POOL = { issuer: ISSUER, realm: 'pool', clientIds: ['client-1'] };
const GOOD = {
  TIERPLANE_SERVICE: 'orders',
  TIERPLANE_TABLE: 'tierplane-main-orders',
  TIERPLANE_DATA_ROLE: 'arn:aws:iam::123456789012:role/tierplane/data',
  TIERPLANE_ISSUERS: JSON.stringify([POOL]),
  TIERPLANE_IDENTITY_URL: 'https://identity.example/',
  AWS_REGION: 'eu-west-1',
};

describe('the environment of a container', () => {
  test('is that of a pooled task on port 8080 which knows no other service, unless it says otherwise', () => {
    expect(readAwsEnvironment(GOOD)).toMatchObject({
      ...{ TIERPLANE_PORT: 8080, TIERPLANE_TENANT: '', TIERPLANE_SERVICES: {}, TIERPLANE_ISSUERS: [POOL] },
      TIERPLANE_IDENTITY_URL: 'https://identity.example',
    });
    const silo = { TIERPLANE_TENANT: 'tenantaaaa', TIERPLANE_SERVICES: '{"products":["http://products:8080"]}' };
    expect(readAwsEnvironment({ ...GOOD, ...silo })).toMatchObject({
      ...{ TIERPLANE_TENANT: 'tenantaaaa', TIERPLANE_SERVICES: { products: ['http://products:8080'] } },
    });
  });

  test.each(Object.keys(GOOD))('is refused without %s', (name) => {
    expect(() => readAwsEnvironment({ ...GOOD, [name]: undefined })).toThrow(name);
  });

  test('needs neither table nor data role for a service that keeps no items', () => {
    const { TIERPLANE_TABLE: _table, TIERPLANE_DATA_ROLE: _role, ...others } = GOOD;
    expect(readAwsEnvironment(others, false)).not.toHaveProperty('TIERPLANE_TABLE');
    expect(() => readAwsEnvironment(others)).toThrow('(2 errors)');
  });

  test.each([
    ['TIERPLANE_PORT', '65536'],
    ['TIERPLANE_PORT', 'http'],
    ['TIERPLANE_TENANT', '*'],
    ['TIERPLANE_TABLE', 'a table'],
    ['TIERPLANE_DATA_ROLE', 'data'],
    ['TIERPLANE_DATA_ROLE', 'arn:aws:iam::123456789012:user/data'],
    ['TIERPLANE_ISSUERS', '[]'],
    ['TIERPLANE_ISSUERS', '{'],
    ['TIERPLANE_ISSUERS.0.issuer', JSON.stringify([{ ...POOL, issuer: 'http://cognito-idp' }])],
    ['TIERPLANE_ISSUERS.0.issuer', JSON.stringify([{ ...POOL, issuer: `${ISSUER}/` }])],
    ['TIERPLANE_ISSUERS.0.realm', JSON.stringify([{ ...POOL, realm: 'pools' }])],
    ['TIERPLANE_ISSUERS.0.clientIds', JSON.stringify([{ ...POOL, clientIds: [] }])],
    ['TIERPLANE_ISSUERS.0', JSON.stringify([{ ...POOL, audience: 'urn:tierplane:api' }])],
    ['TIERPLANE_SERVICES.products.0', '{"products":["https://products"]}'],
    ['TIERPLANE_SERVICES.products.0', '{"products":["unix:/run/products.sock"]}'],
    ['TIERPLANE_SERVICES.products.0', '{"products":["http://products:8080/path"]}'],
    ['TIERPLANE_SERVICES.products', '{"products":"http://products:8080"}'],
    ['TIERPLANE_IDENTITY_URL', 'ftp://identity'],
    ['AWS_ENDPOINT_URL', 'localhost:4566'],
  ])('is refused where %s is %j', (path, value) => {
    const [name = ''] = path.split('.');
    const read = () => readAwsEnvironment({ ...GOOD, [name]: value });
    expect(read).toThrow(expect.objectContaining({ code: 'CONFIG' }));
    expect(read).toThrow(`  ${path}: `);
  });

  test('names the function that knows callers, or else the URL of identity', () => {
    const { TIERPLANE_IDENTITY_URL: _, ...neither } = GOOD;
    expect(readAwsEnvironment({ ...neither, TIERPLANE_USERS_FUNCTION: 'tenant-users' })).toMatchObject({
      TIERPLANE_USERS_FUNCTION: 'tenant-users',
    });
    expect(() => readAwsEnvironment(neither)).toThrow(
      '  TIERPLANE_USERS_FUNCTION: must be given, unless TIERPLANE_IDENTITY_URL is',
    );
  });

  test('is refused with every error at once', () => {
    const read = () => readAwsEnvironment({ ...GOOD, TIERPLANE_TABLE: '', TIERPLANE_DATA_ROLE: '', AWS_REGION: '' });
    expect(read).toThrow(/\(3 errors\):\n {2}TIERPLANE_TABLE: .*\n {2}TIERPLANE_DATA_ROLE: .*\n {2}AWS_REGION: /);
  });
});

test('SE-1.2: the keys of a user pool are at its issuer, or at the endpoint of an emulated account', () => {
  expect(keySetOf({ issuer: ISSUER })).toBe(`${ISSUER}/.well-known/jwks.json`);
  for (const endpoint of ['http://169.254.170.2:4566', 'http://169.254.170.2:4566/']) {
    expect(keySetOf({ issuer: ISSUER }, endpoint)).toBe(
      'http://169.254.170.2:4566/eu-west-1_Abc123/.well-known/jwks.json',
    );
  }
});
