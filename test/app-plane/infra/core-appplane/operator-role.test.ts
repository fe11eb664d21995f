import { describe, expect, jest, test } from '@jest/globals';
import { APP_PLANE_OPERATIONS } from '../../../../control-plane/api/app-plane-operations.ts';
import { mayCall } from '../../../infra/iam/evaluate.ts';
import { ACCOUNT, DeployedTemplate, REGION } from '../../../infra/iam/template.ts';
import { Synthesized } from '../../../support/synthesized.ts';

jest.setTimeout(120_000);

const STACK = 'core-appplane-stack';
const PREFIX = 'tierplane-main';
const SILO = `${PREFIX}-silo-acme0000000000000000000001`;
const arn = (service: string, name: string) => `arn:aws:${service}:${REGION}:${ACCOUNT}:${name}`;
const CONTROL = arn('dynamodb', 'table/control');
const APP = arn('dynamodb', 'table/app');
const POOLED = arn('dynamodb', `table/${PREFIX}-pool-orders`);

describe('the operator function', () => {
  const app = Synthesized.of('bin/cdk.ts');
  const template = app.template(STACK);
  const exportNamed = (...parts: readonly string[]): string => {
    const imports = [...JSON.stringify(template).matchAll(/"Fn::ImportValue":"([^"]+)"/g)].map(([, name = '']) => name);
    return imports.find((name) => parts.every((part) => name.includes(part))) ?? '';
  };
  const deployed = new DeployedTemplate(template, {
    stackName: STACK,
    exports: {
      [exportNamed('controlplane-stack', 'GetAttTable', 'Arn')]: CONTROL,
      [exportNamed('shared-infra-stack', 'GetAttTable', 'Arn')]: APP,
    },
  });
  const roleId = deployed.idsOf('AWS::IAM::Role').find((id) => id.startsWith('OperatorRoutesRole')) ?? '';
  const rights = deployed.rightsOf(roleId);
  const may = (action: string, resource: string, context: Readonly<Record<string, string | string[]>> = {}) =>
    mayCall(rights, { action, resource, context });
  const key = (pk: string) => ({ 'dynamodb:LeadingKeys': [pk] });
  const cluster = (name: string) => ({ 'ecs:cluster': arn('ecs', `cluster/${name}`) });

  test('serves exactly the operations of the application plane, each with an access token', () => {
    const routes = app.resources(STACK, 'AWS::ApiGatewayV2::Route').filter(({ id }) => id.startsWith('Operator'));
    expect(routes.map(({ Properties }) => Properties.RouteKey).sort()).toEqual(
      APP_PLANE_OPERATIONS.map(({ method, path }) => `${method} ${path}`).sort(),
    );
    for (const { Properties } of routes) {
      expect(Properties.AuthorizationType).toBe('JWT');
      expect(Properties.AuthorizerId['Fn::ImportValue']).toMatch(/^controlplane-stack:.*tenantsAuthorizer/);
    }
  });

  test('has no route of its own in the stack of the control plane beside it', () => {
    const keys = app.resources('controlplane-stack', 'AWS::ApiGatewayV2::Route').map((one) => one.Properties.RouteKey);
    const own = APP_PLANE_OPERATIONS.map(({ method, path }) => `${method} ${path}`);
    expect(keys.filter((one: string) => own.includes(one))).toEqual([]);
  });

  test.each([
    ['reads tenants', 'GetItem', CONTROL, 'tenant#acme'],
    ['reads the caller', 'GetItem', CONTROL, 'subject#admin#1'],
    ['commits only while the caller may', 'ConditionCheckItem', CONTROL, 'subject#admin#1'],
    ['lists rejected events of the control plane', 'Query', CONTROL, 'outbox-rejected'],
    ['publishes one again', 'PutItem', CONTROL, 'outbox'],
    ['reads placements', 'GetItem', APP, 'placement#acme'],
    ['requests releases', 'PutItem', APP, 'placement#acme'],
    ['reads routes', 'GetItem', APP, 'route#acme'],
    ["lists a tenant's users", 'Query', `${APP}/index/index-g1`, 'user#pool#tenant#acme'],
    ['invites users', 'PutItem', APP, 'user#tenant-acme'],
    ['lists dead letters', 'Query', APP, 'dead-letters'],
    ['removes replayed ones', 'DeleteItem', APP, 'dead-letters'],
  ])('SE-2: %s: %s on %s %s', (_what, action, table, pk) => {
    expect(may(`dynamodb:${action}`, table, key(pk))).toBe(true);
  });

  test.each([
    ['Scan', CONTROL, undefined],
    ['Scan', APP, undefined],
    ['GetItem', CONTROL, undefined],
    ['PutItem', CONTROL, 'tenant#acme'],
    ['DeleteItem', CONTROL, 'tenant#acme'],
    ['PutItem', CONTROL, 'subject#admin#1'],
    ['PutItem', CONTROL, 'user#admin'],
    ['GetItem', CONTROL, 'user#admin'],
    ['GetItem', CONTROL, 'tenant-email#x'],
    ['Query', CONTROL, 'outbox'],
    ['Query', `${CONTROL}/index/index-g1`, 'tenants|active'],
    ['DeleteItem', APP, 'placement#acme'],
    ['PutItem', APP, 'route#acme'],
    ['PutItem', APP, 'api-key#acme'],
    ['PutItem', APP, 'realm#pool'],
    ['PutItem', APP, 'staged-password#acme'],
    ['PutItem', APP, 'dead-letters'],
    ['PutItem', APP, 'shard#1'],
    ['Query', `${APP}/index/index-g1`, 'placement-due'],
    ['UpdateItem', APP, 'placement#acme'],
    ['PartiQLSelect', APP, 'placement#acme'],
    ['Query', POOLED, 'acme#orders'],
    ['GetItem', POOLED, 'acme#orders'],
  ])('SE-2: may not %s on %s %s', (action, table, pk) => {
    expect(may(`dynamodb:${action}`, table, pk === undefined ? {} : key(pk))).toBe(false);
  });

  test('SE-2: sees whether a tenant has pooled items by the index that has keys only', () => {
    expect(may('dynamodb:Query', `${POOLED}/index/index-tenant`, key('acme'))).toBe(true);
  });

  test("SE-2: restarts and scales services of the pool and of silo tenants, and changes no stack or service's definition", () => {
    const services = [
      [`${PREFIX}-pool`, 'tenant-template-stack-basic-Orders-1'],
      [`${PREFIX}-shared`, `${SILO}-Orders-1`],
      [SILO, `${SILO}-Orders-1`],
    ].map(([of, name]) => arn('ecs', `service/${of}/${name}`));
    for (const service of services) {
      expect([may('ecs:DescribeServices', service), may('ecs:UpdateService', service)]).toEqual([true, true]);
      expect([may('ecs:DeleteService', service), may('ecs:CreateService', service)]).toEqual([false, false]);
    }
    expect(may('ecs:UpdateService', arn('ecs', 'service/other/orders'))).toBe(false);
    expect(may('ecs:UpdateService', arn('ecs', `service/${PREFIX}2-pool/orders`))).toBe(false);
    expect([may('ecs:ListTasks', '*', cluster(SILO)), may('ecs:ListTasks', '*', cluster('other'))]).toEqual([
      true,
      false,
    ]);
    expect(may('ecs:ListTasks', '*')).toBe(false);
    expect(may('ecs:DescribeTasks', arn('ecs', `task/${PREFIX}-shared/1`))).toBe(true);
    expect(may('ecs:RunTask', arn('ecs', 'task-definition/orders:1'))).toBe(false);
    const stack = (name: string) => arn('cloudformation', `stack/${name}/1`);
    expect(may('cloudformation:DescribeStackEvents', stack(SILO))).toBe(true);
    expect(may('cloudformation:DescribeStackEvents', stack('controlplane-stack'))).toBe(false);
    for (const call of ['CreateStack', 'UpdateStack', 'DeleteStack', 'GetTemplate']) {
      expect([call, may(`cloudformation:${call}`, stack(SILO))]).toEqual([call, false]);
    }
    expect(may('iam:PassRole', `arn:aws:iam::${ACCOUNT}:role/any`)).toBe(false);
  });

  test("SE-2: manages users of the environment's own pools only, and sends to two queues", () => {
    const pool = arn('cognito-idp', 'userpool/us-east-1_1');
    const tagged = (prefix: string) => ({ 'aws:ResourceTag/tierplane:prefix': prefix });
    expect(may('cognito-idp:AdminCreateUser', pool, tagged(PREFIX))).toBe(true);
    expect(may('cognito-idp:AdminCreateUser', pool, tagged('tierplane-blue'))).toBe(false);
    expect(may('cognito-idp:DeleteUserPool', pool, tagged(PREFIX))).toBe(false);
    expect(may('kms:Decrypt', arn('kms', 'key/1'))).toBe(false);
    for (const queue of ['accept', 'work'].map((name) => arn('sqs', `${PREFIX}-app-plane-${name}`))) {
      expect([may('sqs:SendMessage', queue), may('sqs:ReceiveMessage', queue)]).toEqual([true, false]);
    }
    expect(may('sqs:SendMessage', arn('sqs', `${PREFIX}-app-plane-accept-dead`))).toBe(false);
  });
});
