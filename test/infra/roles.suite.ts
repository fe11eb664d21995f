import { expect, test } from '@jest/globals';
import { allowedBy, evaluated } from './iam/data-calls.ts';
import { DATA_RIGHTS, type TableKind } from './iam/data-rights.ts';
import { mayAssume, mayCall } from './iam/evaluate.ts';
import { type HomeRole, type HomeTemplates, SILO_TENANT } from './iam/home.ts';
import { type Boundary, resourceFor, roleBoundaries } from './iam/role-boundaries.ts';
import { ACCOUNT, REGION } from './iam/template.ts';

const OTHER_TENANT = 'globex00000000000000000002';
/** What ECS, Cognito and others say about the request for which they assume a role. */
const SOURCE = { 'aws:SourceAccount': ACCOUNT, 'aws:SourceArn': `arn:aws:ecs:${REGION}:${ACCOUNT}:service/x` };

/** Every role of the templates: who assumes it, what it may do, and which items it reaches. */
export function rolesSuite(home: HomeTemplates): void {
  const roles = home.roles();
  const boundaries: Readonly<Record<string, Boundary>> = roleBoundaries(home);

  const boundaryOf = ({ name }: HomeRole): Boundary => {
    const found = boundaries[name];
    if (!found) throw new Error(`${name} needs a row in test/infra/iam/role-boundaries.ts`);
    return found;
  };
  const named = ({ template, logicalId }: HomeRole) => `${template}/${logicalId}`;

  test('are all known, and no row describes a role that is not there', () => {
    expect(roles.length).toBeGreaterThan(40);
    expect([...new Set(roles.map(({ name }) => name))].sort()).toEqual(Object.keys(boundaries).sort());
    expect(Object.keys(DATA_RIGHTS).filter((name) => boundaries[name] === undefined)).toEqual([]);
  });

  test('SE-2: each can do its work, and not the call beside it', () => {
    const results = roles.map((role) => {
      const { does, cannot } = boundaryOf(role);
      const [action, context = {}] = does ?? [];
      const resource = action === undefined ? '' : resourceFor(role, action);
      const may = action === undefined || mayCall(role.rights, { action, resource, context });
      const [refused, other = {}] = cannot;
      const mayNot = mayCall(role.rights, {
        action: refused,
        resource: other.resource ?? resource,
        context: other.context ?? {},
      });
      return [named(role), may, mayNot];
    });
    expect(results).toEqual(roles.map((role) => [named(role), true, false]));
  });

  test('SE-2: a role without a policy of its own is for a service of AWS, with the policy that AWS maintains for it', () => {
    const without = roles.filter(({ rights }) => rights.policies.length === 0);
    const policies = without.map(({ template, logicalId, name }) => {
      const { ManagedPolicyArns: arns } = home.stack(template).propertiesOf(logicalId);
      return [name, arns];
    });
    const ofAws = (policy: string) => [`arn:aws:iam::aws:policy/service-role/${policy}`];
    expect(Object.fromEntries(policies)).toEqual({
      'shared-infra-stack/RestApiCloudWatchRole': ofAws('AmazonAPIGatewayPushToCloudWatchLogs'),
      'instances/ecs': ofAws('AmazonEC2ContainerServiceforEC2Role'),
    });
  });

  test('SE-2: each is assumed by the one service that it is for, or by the task whose data role it is', () => {
    const strangers = [{ service: 'ssm.amazonaws.com' }, { arn: `arn:aws:iam::${ACCOUNT}:role/stranger` }];
    for (const role of roles) {
      const { by = 'lambda' } = boundaryOf(role);
      const tag = { 'aws:TagKeys': ['tenantId'], 'aws:RequestTag/tenantId': SILO_TENANT };
      const task = { arn: String(home.stack(role.template).arnOf(taskOf(role))) };
      const caller = by === 'task' ? task : { service: `${by}.amazonaws.com` };
      const context = by === 'task' ? tag : SOURCE;
      const may = [caller, ...strangers].map((one) => mayAssume(role.trust, one, 'sts:AssumeRole', context));
      expect([named(role), ...may]).toEqual([named(role), true, false, false]);
    }
  });

  /** The role of the task that starts sessions of a data role. */
  function taskOf({ template, logicalId }: HomeRole): string {
    const [, task] = /^ServicesRoles(orders|products|tasks)\w*Data/.exec(logicalId) ?? [];
    const all = home.stack(template).idsOf('AWS::IAM::Role');
    return all.find((id) => id.startsWith(`ServicesRoles${task}Task`)) ?? logicalId;
  }

  /** The tables whose items roles could reach. */
  function tables(): readonly { readonly kind: TableKind; readonly tableArn: string }[] {
    const of = (template: string, kind: TableKind) => {
      const stack = home.stack(template);
      return stack.idsOf('AWS::DynamoDB::Table').map((id) => ({ kind, tableArn: stack.arnOf(id) }));
    };
    return [
      ...of('shared-infra-stack', 'app-plane'),
      ...of('controlplane-stack', 'control-plane'),
      ...of('tenant-template-stack-basic', 'pooled'),
      ...of('silo-data', 'silo'),
    ];
  }

  /** A data role is called as the table that it reaches, with `-d` at the end. */
  function kindFor(role: HomeRole, kind: TableKind, tableArn: string): TableKind {
    if (role.name !== 'tasks/data') return kind;
    const { RoleName } = home.stack(role.template).propertiesOf(role.logicalId);
    return `${tableArn}-d`.endsWith(`/${RoleName}`) ? 'own' : 'other';
  }

  test('SE-1.6, SE-1.7: each reaches the items that the table of rights lists, and no others, by any call with any key', () => {
    const found = tables();
    expect(found.map(({ kind }) => kind)).toEqual(['app-plane', 'control-plane', 'pooled', 'pooled', 'silo', 'silo']);
    let owned = 0;
    for (const role of roles) {
      const tags = role.name === 'tasks/data' ? { tenantId: SILO_TENANT } : {};
      for (const { kind, tableArn } of found) {
        const own = kindFor(role, kind, tableArn);
        owned += own === 'own' ? 1 : 0;
        const session = { tableArn, tenantId: SILO_TENANT, otherTenant: OTHER_TENANT, tags };
        const expected = allowedBy(DATA_RIGHTS[role.name]?.[own] ?? {});
        expect([named(role), tableArn, evaluated(role.rights, session)]).toEqual([named(role), tableArn, expected]);
      }
    }
    expect(owned).toBe(roles.filter(({ name }) => name === 'tasks/data').length);
  });

  test('SE-1.6: a session of a data role without the tag of a tenant reaches nothing', () => {
    for (const role of roles.filter(({ name }) => name === 'tasks/data')) {
      for (const { tableArn } of tables()) {
        const session = { tableArn, tenantId: SILO_TENANT, otherTenant: OTHER_TENANT };
        expect([named(role), evaluated(role.rights, session)]).toEqual([named(role), []]);
      }
    }
  });
}
