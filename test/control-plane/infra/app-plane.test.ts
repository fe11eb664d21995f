import { describe, expect, jest, test } from '@jest/globals';
import { Synthesized } from '../../support/synthesized.ts';

jest.setTimeout(60_000);

const APP = 'test/control-plane/infra/app-plane-app.ts';
const STACK = 'controlplane-stack';

describe('the control plane beside an application plane', () => {
  const app = Synthesized.of(APP);
  const propertiesOf = (type: string) => app.resources(STACK, type).map(({ Properties }) => Properties);

  /** The statements of the policy of a function's role. @param name part of the id of SBT's function */
  const statementsOf = (name: string) =>
    app
      .resources(STACK, 'AWS::IAM::Policy')
      .filter(({ id }) => id.includes(name))
      .flatMap(({ Properties }) => Properties.PolicyDocument.Statement);
  const usesAppPlane = (statement: object) => JSON.stringify(statement).includes('parts:ExportsOutput');

  test("SE-2: may look up pooled emails and stage passwords in the application plane's table, and nothing else", () => {
    const onTable = statementsOf('TenantRegistrationFunc').filter(
      (one) => usesAppPlane(one) && JSON.stringify(one).includes('dynamodb:'),
    );
    expect(onTable.map(({ Action, Condition }) => [Action, Condition])).toEqual([
      [
        'dynamodb:GetItem',
        {
          'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['email#pool'] },
          Null: { 'dynamodb:LeadingKeys': 'false' },
        },
      ],
      [
        'dynamodb:PutItem',
        {
          'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['staged-password#*'] },
          Null: { 'dynamodb:LeadingKeys': 'false' },
        },
      ],
    ]);
    expect(onTable.map(({ Resource }) => JSON.stringify(Resource)).filter((one) => one.includes('*'))).toEqual([]);
  });

  test("SE-2: gives no other role access to the application plane's table or key, and lets its own only seal passwords", () => {
    const policies = app.resources(STACK, 'AWS::IAM::Policy').filter(usesAppPlane);
    expect(policies.map(({ id }) => /TenantRegistrationFunc/.test(id))).toEqual([true]);
    const onKey = statementsOf('TenantRegistrationFunc').filter(({ Action }) => String(Action).startsWith('kms:'));
    expect(onKey.map(({ Action }) => Action)).toEqual(['kms:Encrypt']);
    expect(usesAppPlane(onKey[0])).toBe(true);
    expect(propertiesOf('AWS::KMS::Key')).toEqual([]);
  });

  test("tells its functions the application plane's table and the tenants' site", () => {
    const variables = propertiesOf('AWS::Lambda::Function').flatMap(({ Environment }) =>
      Environment?.Variables.TIERPLANE_APP_PLANE_TABLE ? [Environment.Variables] : [],
    );
    expect(variables.length).toBeGreaterThanOrEqual(6);
    for (const { TIERPLANE_TABLE, TIERPLANE_APP_PLANE_TABLE, TIERPLANE_APP_URL } of variables) {
      expect(TIERPLANE_TABLE.Ref).toMatch(/^Table/);
      expect(TIERPLANE_APP_PLANE_TABLE['Fn::ImportValue']).toMatch(/^parts:ExportsOutputRefTable/);
      expect(TIERPLANE_APP_URL).toBe('https://app.example.com');
    }
  });

  test('lets pages of both sites call the API, with a token and without cookies', () => {
    expect(propertiesOf('AWS::ApiGatewayV2::Api')[0].CorsConfiguration).toEqual({
      AllowOrigins: ['https://admin.example.com', 'https://app.example.com'],
      AllowMethods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
      AllowHeaders: ['authorization', 'content-type', 'idempotency-key', 'if-match', 'if-none-match', 'x-request-id'],
      ExposeHeaders: ['etag', 'location', 'retry-after', 'x-request-id'],
      MaxAge: 600,
    });
  });

  test('signs administrators in at their site and, for the command line, on their own machine', () => {
    const [client] = propertiesOf('AWS::Cognito::UserPoolClient').filter(
      ({ GenerateSecret, CallbackURLs }) => GenerateSecret === false && CallbackURLs,
    );
    expect(client.CallbackURLs).toEqual([
      'https://admin.example.com',
      'http://localhost',
      ...['8976', '8977', '8978'].map((port) => `http://localhost:${port}/callback`),
    ]);
    expect(client.LogoutURLs).toEqual(['https://admin.example.com', 'http://localhost']);
  });

  test('notifies the topics of every alarm', () => {
    const alarms = propertiesOf('AWS::CloudWatch::Alarm');
    expect(alarms.length).toBeGreaterThanOrEqual(8);
    for (const { AlarmActions, OKActions } of alarms) {
      expect(AlarmActions[0]['Fn::ImportValue']).toMatch(/^parts:ExportsOutputRefCritical/);
      expect(OKActions).toEqual(AlarmActions);
    }
  });

  test('has no billing unless it is asked for', () => {
    expect(app.resources(STACK).filter(({ id }) => /billing|customer/i.test(id))).toEqual([]);
  });
});

describe('the billing hook', () => {
  const app = Synthesized.of(APP, { billing: 'true' });

  test("receives the events of tenants by SBT's rules; what it misses becomes a dead letter", () => {
    const rules = app.resources(STACK, 'AWS::Events::Rule');
    const events = rules.flatMap(({ Properties }) =>
      JSON.stringify(Properties.Targets).includes('Customer') ? [Properties] : [],
    );
    const triggers = events.map(({ EventPattern, Targets }) => [
      EventPattern['detail-type'],
      Targets[0].Arn['Fn::GetAtt'][0].slice(0, 14),
    ]);
    expect(triggers).toEqual([
      [['onboardingRequest'], 'CreateCustomer'],
      [['offboardingRequest'], 'DeleteCustomer'],
    ]);
    for (const { Targets } of events) expect(Targets[0].DeadLetterConfig.Arn).toBeDefined();
  });
});
