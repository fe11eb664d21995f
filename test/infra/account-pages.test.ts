import { describe, expect, jest, test } from '@jest/globals';
import { passwordResetKey } from '../../adapters/shared/identity/password-reset-record.ts';
import { Synthesized } from '../support/synthesized.ts';
import { mayCall } from './iam/evaluate.ts';
import { ACCOUNT, DeployedTemplate, REGION } from './iam/template.ts';

jest.setTimeout(120_000);

const TABLE = `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/platform`;
const PLANES = [
  ['system users', 'controlplane-stack', 'AccountPagesFunctionRole', 'admin'],
  ["a tenant's users in the common pool", 'core-appplane-stack', 'AccountsPagesFunctionRole', 'pool'],
  ['users of a tenant with a pool of its own', 'core-appplane-stack', 'AccountsPagesFunctionRole', 'tenant-acme0001'],
] as const;
/** Records of the planes' tables that the account pages must not write. */
const OTHER_RECORDS = [
  ...['outbox', 'outbox-rejected', 'dead-letters', 'tenant#acme0001', 'tenant-email#x', 'registration#1'],
  ...['route#acme0001', 'placement#acme0001', 'api-key#1', 'shard#1', 'staged-password#acme0001'],
  ...['issuer#https://x.example', 'password-resets#pool', 'users#pool', 'User#pool', 'x-user#pool', 'user', 'absent'],
];

const app = Synthesized.of('bin/cdk.ts');

describe.each(PLANES)('the role of the account pages for %s', (_users, stackName, role, realm) => {
  const template = app.template(stackName);
  const imports = [...JSON.stringify(template).matchAll(/"Fn::ImportValue":"([^"]+GetAttTable[^"]+Arn[^"]*)"/g)];
  const deployed = new DeployedTemplate(template, {
    stackName,
    exports: Object.fromEntries(imports.map(([, name = '']) => [name, TABLE])),
  });
  const rights = deployed.rightsOf(deployed.idsOf('AWS::IAM::Role').find((id) => id.startsWith(role)) ?? '');
  const table = stackName === 'controlplane-stack' ? deployed.arnOf(tableId()) : TABLE;
  function tableId(): string {
    return deployed.idsOf('AWS::DynamoDB::Table')[0] ?? '';
  }
  const may = (action: string, pk?: string, resource = table) =>
    mayCall(rights, {
      action: `dynamodb:${action}`,
      resource,
      context: pk === undefined ? {} : { 'dynamodb:LeadingKeys': [pk] },
    });
  const allowed = (pk: string) =>
    ['GetItem', 'PutItem', 'DeleteItem', 'ConditionCheckItem'].filter((action) => may(action, pk));
  const isTenants = realm !== 'admin';

  test('SE-2: reads the realm and its users, and writes what a password change, a link and a sign-out write', () => {
    expect(allowed(`realm#${realm}`)).toEqual(['GetItem']);
    expect(allowed(`email#${realm}`)).toEqual(['GetItem']);
    expect(allowed(`user#${realm}`)).toEqual(['GetItem', 'PutItem']);
    expect(allowed(`subject#${realm}#1`)).toEqual(['GetItem', 'PutItem', 'ConditionCheckItem']);
    expect(allowed(passwordResetKey(realm, '1').pk)).toEqual(['GetItem', 'PutItem', 'DeleteItem']);
  });

  test('SE-2: reads issuers and whether the tenant is served in the application plane only', () => {
    expect(allowed('issuer#https://x.example')).toEqual(isTenants ? ['GetItem'] : []);
    expect(allowed('placement#acme0001')).toEqual(isTenants ? ['GetItem'] : []);
    expect(allowed('route#acme0001')).toEqual(isTenants ? ['GetItem', 'ConditionCheckItem'] : []);
  });

  test.each(OTHER_RECORDS)('SE-2: cannot write %s', (pk) => {
    expect(allowed(pk).filter((action) => action === 'PutItem' || action === 'DeleteItem')).toEqual([]);
  });

  test.each(['outbox', 'tenant#acme0001', 'api-key#1', 'staged-password#acme0001'])('SE-2: cannot read %s', (pk) => {
    expect(allowed(pk)).toEqual([]);
  });

  test('SE-2: cannot reach users of the other plane, an item without a key, an index, or the whole table', () => {
    const other = isTenants ? 'admin' : 'pool';
    const foreign = [`user#${other}`, `subject#${other}#1`, `email#${other}`, passwordResetKey(other, '1').pk];
    expect(foreign.flatMap(allowed)).toEqual([]);
    for (const action of ['GetItem', 'PutItem', 'DeleteItem', 'Scan', 'Query']) expect(may(action)).toBe(false);
    expect(may('Query', `user#${realm}`)).toBe(false);
    expect(may('Query', `user#${realm}`, `${table}/index/index-g1`)).toBe(false);
    expect(may('UpdateItem', `user#${realm}`)).toBe(false);
  });
});

describe('the routes of the account pages of system users', () => {
  const { Resources: resources } = app.template('controlplane-stack');
  const idsOf = (type: string, has = (_properties: { readonly RouteKey?: string }) => true) =>
    Object.keys(resources).filter((id) => resources[id].Type === type && has(resources[id].Properties));
  const [stage = ''] = idsOf('AWS::ApiGatewayV2::Stage');
  const routes = idsOf('AWS::ApiGatewayV2::Route', ({ RouteKey = '' }) => RouteKey.includes(' /realms/admin/'));

  /** Everything that must exist before these resources. */
  function requiredBy(ids: readonly string[]): ReadonlySet<string> {
    const found = new Set<string>();
    const waiting = [...ids];
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      const named = [...JSON.stringify(resources[id]).matchAll(/"([A-Za-z0-9]+)"|\$\{([A-Za-z0-9]+)/g)];
      const next = named.map(([, one, other]) => one ?? other ?? '').filter((one) => one in resources);
      waiting.push(...next.filter((one) => !found.has(one)));
      for (const one of next) found.add(one);
    }
    return found;
  }

  test('SE-6: each take no more than 10 requests a second from all strangers together', () => {
    expect(routes).toHaveLength(10);
    const limits = { ThrottlingRateLimit: 10, ThrottlingBurstLimit: 20, DetailedMetricsEnabled: true };
    const expected = routes.map((id) => [resources[id].Properties.RouteKey, limits]);
    expect(resources[stage].Properties.RouteSettings).toEqual(Object.fromEntries(expected));
  });

  test('exist before the stage, which API Gateway requires, and do not wait for it', () => {
    expect(resources[stage].DependsOn).toEqual(expect.arrayContaining(routes));
    expect(requiredBy(routes).size).toBeGreaterThan(3);
    expect(requiredBy(routes)).not.toContain(stage);
  });
});
