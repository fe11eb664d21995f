import { describe, expect, test } from '@jest/globals';
import { APP_PLANE_SOURCE, CONTROL_PLANE_SOURCE } from '../../core/events/events.ts';
import { foreignCallers, withoutSource } from './foreign-callers.ts';
import { type Cell, evaluated } from './iam/data-calls.ts';
import { mayAssume, mayCall } from './iam/evaluate.ts';
import { type ChangeableTemplate, type HomeTemplates, SILO_TENANT } from './iam/home.ts';
import type { PolicyDocument } from './iam/policy.ts';
import type { DeployedTemplate } from './iam/template.ts';

const INFRA = 'shared-infra-stack';
const POOL = 'tenant-template-stack-basic';
const SILO = 'silo-service-per-service';
const OTHER_TENANT = 'globex00000000000000000002';

/** An attack on what a template deploys. */
interface Attack {
  readonly template: string;
  /** How the attack succeeds in the template: the calls that are allowed, the headers that arrive, and so on. */
  readonly succeeds: (template: DeployedTemplate) => readonly string[];
  /** What is removed from a copy of the template, and what the attack then reaches. */
  readonly without: readonly (readonly [
    control: string,
    change: (template: ChangeableTemplate) => void,
    reached: readonly string[],
  ])[];
}

/** The resources of a type whose logical ids begin so. */
function resourcesIn(
  { Resources }: ChangeableTemplate,
  type: string,
  id = '',
): ChangeableTemplate['Resources'][string][] {
  const all = Object.entries(Resources).filter(([name, { Type }]) => Type === type && name.startsWith(id));
  return all.map(([, one]) => one);
}

/** The statement of the pooled orders service's data role that is limited to the tenant's keys. */
function itemsOfTheTenant(template: ChangeableTemplate) {
  const [role] = resourcesIn(template, 'AWS::IAM::Role', 'ServicesRolesordersordersData');
  return role?.Properties.Policies[0].PolicyDocument.Statement[0];
}

/** What a session of the pooled orders service for one tenant may do beyond the tenant's own keys. */
function cellsBeyondOwn(template: DeployedTemplate): readonly Cell[] {
  const [id = ''] = template.idsOf('AWS::IAM::Role').filter((one) => one.startsWith('ServicesRolesordersordersData'));
  const tableArn = template.arnOf('ordersTable');
  const session = { tableArn, tenantId: SILO_TENANT, otherTenant: OTHER_TENANT, tags: { tenantId: SILO_TENANT } };
  return evaluated(template.rightsOf(id), session).filter((cell) => !cell.endsWith(', own key'));
}

const READS_AND_WRITES = ['GetItem', 'Query', 'Query of an index', 'PutItem', 'DeleteItem'];
const ITEMS_OF_TRANSACTIONS = ['Put', 'Delete', 'ConditionCheck'].map((item) => `TransactWriteItems with a ${item}`);
const ALL_CALLS = [...READS_AND_WRITES, ...ITEMS_OF_TRANSACTIONS, 'TransactGetItems'];
const cellsOf = (...kinds: readonly string[]) =>
  ALL_CALLS.flatMap((call) => kinds.map((kind) => `${call}, ${kind} key`));

/** What decisions rely on and users may change by themselves. Without a list, Cognito lets them change every attribute. */
function writable(template: DeployedTemplate): readonly string[] {
  const clients = template.idsOf('AWS::Cognito::UserPoolClient').map((id) => template.propertiesOf(id));
  expect(clients.length).toBeGreaterThan(0);
  const protectedOnes = ['custom:tenantId', 'custom:tier', 'custom:role', 'email'];
  return clients.flatMap(({ WriteAttributes: listed }) =>
    protectedOnes.filter((one) => listed === undefined || (listed as string[]).includes(one)),
  );
}

type HeaderFields = Readonly<Record<string, string>>;
/** The headers that a client sends to appear as another tenant. */
const SPOOFED: HeaderFields = {
  tenantpath: 'other',
  'x-tierplane-tenant': 'other',
  'x-tierplane-tier': 'premium',
  'x-tierplane-role': 'TenantAdmin',
};

/** The client's headers that reach a service. A mapped header replaces the client's, in any case of letters. */
function spoofedHeaders(template: DeployedTemplate): readonly string[] {
  const methods = template.idsOf('AWS::ApiGateway::Method').map((id) => template.propertiesOf(id));
  const integrations = methods.map(
    ({ Integration }) => Integration as { Type: string; RequestParameters?: HeaderFields },
  );
  const arriving = integrations
    .filter(({ Type }) => Type === 'HTTP_PROXY')
    .flatMap(({ RequestParameters = {} }) => {
      const mapped = Object.keys(RequestParameters).map((name) => name.toLowerCase());
      return Object.keys(SPOOFED).filter((name) => !mapped.includes(`integration.request.header.${name}`));
    });
  return [...new Set(arriving)];
}

/** The methods that a request with nothing but an API key reaches. */
function reachedByKey(template: DeployedTemplate): readonly string[] {
  const methods = template.idsOf('AWS::ApiGateway::Method').map((id) => [id, template.propertiesOf(id)] as const);
  const served = methods.filter(([, { HttpMethod }]) => HttpMethod !== 'OPTIONS');
  expect(served.length).toBeGreaterThan(5);
  return served.flatMap(([id, { AuthorizationType, AuthorizerId }]) =>
    AuthorizationType === 'CUSTOM' && AuthorizerId !== undefined ? [] : [id],
  );
}

/** Whose events the application plane's publisher may publish. */
function forgeable(template: DeployedTemplate): readonly string[] {
  const [id = ''] = template.idsOf('AWS::IAM::Role').filter((one) => one.startsWith('OutboxPublish'));
  const rights = template.rightsOf(id);
  const bus = rights.policies
    .flatMap(({ Statement }) => [Statement].flat())
    .find(({ Action }) => Action === 'events:PutEvents');
  const resource = String(bus?.Resource);
  const may = (source: string) =>
    mayCall(rights, { action: 'events:PutEvents', resource, context: { 'events:source': [source] } });
  expect(may(APP_PLANE_SOURCE)).toBe(true);
  return [CONTROL_PLANE_SOURCE, 'aws.ecs'].filter(may);
}

/** Values of the tenant's id that would widen a name, close a text, or lead to another path. */
const INJECTED = ['acme0000*', 'acme0000","*', '../acme0000', 'ACME0000', 'acme 000', 'acme0000\n'];

/** CloudFormation compares the whole value with the pattern, and accepts any value without one. */
function acceptedIds({ Parameters }: ChangeableTemplate): readonly string[] {
  const { AllowedPattern } = Parameters.TenantId ?? {};
  return INJECTED.filter((value) => AllowedPattern === undefined || new RegExp(`^(?:${AllowedPattern})$`).test(value));
}

/** The tenants for which the task of a silo tenant may start sessions of its data role. */
function assertedTags(template: DeployedTemplate): readonly string[] {
  const [id = ''] = template.idsOf('AWS::IAM::Role').filter((one) => one.startsWith('ServicesRolesordersordersData'));
  const [task = ''] = template.idsOf('AWS::IAM::Role').filter((one) => one.startsWith('ServicesRolesordersTask'));
  const caller = { arn: template.arnOf(task) };
  const starts = (tenantId: string) => {
    const context = { 'aws:TagKeys': ['tenantId'], 'aws:RequestTag/tenantId': tenantId };
    return ['sts:AssumeRole', 'sts:TagSession'].every((action) =>
      mayAssume(template.trustOf(id), caller, action, context),
    );
  };
  expect(starts(SILO_TENANT)).toBe(true);
  return [OTHER_TENANT, `${SILO_TENANT}1`, '*'].filter(starts);
}

/** What the access log of the REST API would record of the client's secrets. */
function loggedSecrets(template: DeployedTemplate): readonly string[] {
  const [id = ''] = template.idsOf('AWS::ApiGateway::Stage');
  const { AccessLogSetting: log } = template.propertiesOf(id) as { AccessLogSetting: { Format: string } };
  return log.Format.match(/\$context\.(?:identity\.apiKey\w*|authorizer\.(?:token|principalId|claims\S*))/g) ?? [];
}

/** Shows that an attack on a template fails, and that it succeeds in a copy without each of its controls. */
function attackOn(home: HomeTemplates, { template, succeeds, without }: Attack): void {
  test('fails', () => {
    expect(succeeds(home.stack(template))).toEqual([]);
  });
  for (const [control, change, reached] of without) {
    test(`succeeds in a copy of the template without ${control}`, () => {
      expect(succeeds(home.changed(template, change))).toEqual(expect.arrayContaining([...reached]));
    });
  }
}

/** The attacks of docs/security.md that the templates resist, each with the control that is taken out of a copy. */
export function templateAttacks(home: HomeTemplates): void {
  describe("SE-1.1 on AWS: a user writes the attributes of the user's own tenant, tier and role", () => {
    attackOn(home, {
      ...{ template: INFRA, succeeds: writable },
      without: [
        [
          'WriteAttributes',
          (copy) => {
            for (const one of resourcesIn(copy, 'AWS::Cognito::UserPoolClient')) delete one.Properties.WriteAttributes;
          },
          ['custom:tenantId', 'custom:role'],
        ],
      ],
    });
  });

  describe("SE-1.4 on AWS: a service of AWS acts on another account's behalf", () => {
    const stacks = [INFRA, POOL, 'controlplane-stack', 'core-appplane-stack'];

    test.each(stacks)('fails in %s', (stack) => {
      expect(foreignCallers(home.stack(stack))).toEqual([]);
    });
    test.each(stacks.filter((stack) => stack !== POOL))(
      'succeeds in a copy of %s wherever SourceArn and SourceAccount are removed',
      (stack) => {
        const permissions = withoutSource(home, stack);
        expect(permissions.length).toBeGreaterThan(2);
        for (const { permission, changed } of permissions) expect(foreignCallers(changed)).toEqual([permission]);
      },
    );
  });

  describe('SE-1.5 on AWS: a client sends headers that services trust', () => {
    const headers = ['tenantPath', 'x-tierplane-tenant', 'x-tierplane-tier', 'x-tierplane-role'];
    attackOn(home, {
      ...{ template: INFRA, succeeds: spoofedHeaders },
      without: headers.map((header) => [
        `the mapping of ${header}`,
        (copy) => {
          for (const { Properties } of resourcesIn(copy, 'AWS::ApiGateway::Method')) {
            delete Properties.Integration.RequestParameters?.[`integration.request.header.${header}`];
          }
        },
        [header.toLowerCase()],
      ]),
    });
  });

  describe("SE-1.6 on AWS: a tenant's session calls with foreign keys, or without a key", () => {
    attackOn(home, {
      ...{ template: POOL, succeeds: cellsBeyondOwn },
      without: [
        ['dynamodb:LeadingKeys', (copy) => delete itemsOfTheTenant(copy).Condition, cellsOf('foreign', 'no')],
        ['Null: false', (copy) => delete itemsOfTheTenant(copy).Condition.Null, cellsOf('no')],
      ],
    });
  });

  describe('SE-1.7 on AWS: a tenant reaches a tenant whose id begins with its own', () => {
    const widen = (key: string) => key.replace('#*', '*');
    attackOn(home, {
      ...{ template: POOL, succeeds: cellsBeyondOwn },
      without: [
        [
          'the # after the id',
          (copy) => {
            const condition = itemsOfTheTenant(copy).Condition['ForAllValues:StringLike'];
            condition['dynamodb:LeadingKeys'] = condition['dynamodb:LeadingKeys'].map(widen);
          },
          cellsOf('sibling'),
        ],
      ],
    });
  });

  describe('SE-1.8 on AWS: the application plane publishes an event of the control plane', () => {
    const putEvents = (copy: ChangeableTemplate) =>
      resourcesIn(copy, 'AWS::IAM::Policy', 'OutboxPublish')
        .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
        .find(({ Action }) => Action === 'events:PutEvents');
    attackOn(home, {
      ...{ template: 'core-appplane-stack', succeeds: forgeable },
      without: [['events:source', (copy) => delete putEvents(copy).Condition, [CONTROL_PLANE_SOURCE]]],
    });
  });

  describe('SE-1.10 on AWS: the access log of the REST API records tokens or keys', () => {
    attackOn(home, {
      ...{ template: INFRA, succeeds: loggedSecrets },
      without: [
        [
          'its list of fields',
          (copy) => {
            const [stage] = resourcesIn(copy, 'AWS::ApiGateway::Stage');
            if (stage) stage.Properties.AccessLogSetting.Format = '{"key":"$context.identity.apiKey"}';
          },
          ['$context.identity.apiKey'],
        ],
      ],
    });
  });

  describe('SE-1.11 on AWS: a parameter of a stack injects text', () => {
    test('fails', () => expect(acceptedIds(home.copyOf(SILO))).toEqual([]));
    test('succeeds in a copy of the template without AllowedPattern', () => {
      const copy = home.copyOf(SILO);
      delete copy.Parameters.TenantId?.AllowedPattern;
      expect(acceptedIds(copy)).toEqual(INJECTED);
    });
  });

  describe('SE-1.13 on AWS: the task of a silo tenant asserts the tag of another tenant', () => {
    const trustOf = (
      copy: ChangeableTemplate,
    ): PolicyDocument & { Statement: { Condition: Record<string, unknown> }[] } => {
      const [role] = resourcesIn(copy, 'AWS::IAM::Role', 'ServicesRolesordersordersData');
      return role?.Properties.AssumeRolePolicyDocument;
    };
    attackOn(home, {
      ...{ template: SILO, succeeds: assertedTags },
      without: [
        [
          'the tag in the trust policy',
          (copy) => delete trustOf(copy).Statement[0]?.Condition.StringEquals,
          [OTHER_TENANT, `${SILO_TENANT}1`, '*'],
        ],
      ],
    });
  });

  describe('SE-1.16 on AWS: a request with an API key and without a token is served', () => {
    attackOn(home, {
      ...{ template: INFRA, succeeds: reachedByKey },
      without: [
        [
          'the authorizer of one method',
          (copy) => {
            const methods = resourcesIn(copy, 'AWS::ApiGateway::Method');
            const method = methods.find(({ Properties }) => Properties.AuthorizationType === 'CUSTOM');
            if (method) Object.assign(method.Properties, { AuthorizationType: 'NONE', AuthorizerId: undefined });
          },
          [expect.stringMatching(/^RestApi/) as unknown as string],
        ],
      ],
    });
  });
}
