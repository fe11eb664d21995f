import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { tableShape } from '../../../adapters/aws/store/table-shape.ts';
import { createOperations } from '../../../control-plane/api/operations.ts';
import { PASSWORD_CLIENT } from '../../../core/identity/issuers.ts';
import { cpuSecondsIn, PRINT_CPU_TIME } from '../../support/cpu-time.ts';

const ROOT = join(import.meta.dirname, '../../..');
jest.setTimeout(180_000);

// biome-ignore lint/suspicious/noExplicitAny: the tests read templates as plain JSON
type Properties = any;
interface Resource {
  readonly Type: string;
  readonly Properties: Properties;
  readonly DeletionPolicy?: string;
}

describe("the control plane's stack, without an application plane", () => {
  const output = mkdtempSync(join(tmpdir(), 'tierplane-cdk-'));
  let resources: Record<string, Resource>;
  let parameters: Record<string, { AllowedPattern?: string }>;

  /** Runs the CDK app with only Node on the path and with proxies that refuse every connection. */
  function synthesize(...args: string[]): number {
    const env = {
      PATH: dirname(process.execPath),
      CDK_OUTDIR: output,
      CDK_CONTEXT_JSON: JSON.stringify(
        Object.fromEntries(['controlPlaneOnly=true', ...args].map((arg) => arg.split('='))),
      ),
      JSII_DEPRECATED: 'quiet',
      http_proxy: 'http://127.0.0.1:9',
      https_proxy: 'http://127.0.0.1:9',
    };
    const { status, stderr } = spawnSync(process.execPath, ['--import', PRINT_CPU_TIME, 'bin/cdk.ts'], {
      ...{ cwd: ROOT, env },
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(stderr);
    return cpuSecondsIn(stderr);
  }

  beforeAll(() => {
    process.stderr.write(`synthesis took ${synthesize()} s of processor time\n`);
    const template = JSON.parse(readFileSync(join(output, 'controlplane-stack.template.json'), 'utf8'));
    resources = template.Resources;
    parameters = template.Parameters;
  });
  afterAll(() => rmSync(output, { recursive: true }));

  const all = (type: string): Resource[] => Object.values(resources).filter((one) => one.Type === type);
  const only = (type: string): Resource => {
    const [one, ...more] = all(type);
    expect(more).toEqual([]);
    if (!one) throw new Error(`no ${type}`);
    return one;
  };

  test('DE-2: is synthesized without network, Docker or Python; the time is printed', () => {
    expect(Object.keys(resources)).not.toEqual([]);
  });

  test('has bundles of at most 213 KB that do not contain the AWS SDK', () => {
    const folders = readdirSync(output).filter((name) => name.startsWith('bundle.'));
    const bundles = folders.map((name) => join(output, name, 'index.js'));
    expect(bundles).toHaveLength(4);
    for (const file of bundles) {
      expect(statSync(file).size).toBeLessThanOrEqual(213_000);
      const code = readFileSync(file, 'utf8');
      expect(code).toContain('require("@aws-sdk/client-dynamodb")');
      const others = [...code.matchAll(/require\("([^"]+)"\)/g)].map(([, name = '']) => name);
      expect(others.filter((name) => !/^(node:\w+|@aws-sdk\/client-[\w-]+)$/.test(name))).toEqual([]);
      // No paths of the machine that built it.
      expect(code).not.toContain('node_modules');
      expect(code).not.toContain(ROOT);
    }
  });

  test('loads what describes the API on demand, from files of their own', async () => {
    const folder = join(output, 'bundle.control-plane.api');
    const code = readFileSync(join(folder, 'index.js'), 'utf8');
    for (const file of ['docs-page.js', 'control-plane-document.js']) expect(code).toContain(`import("./${file}")`);
    const load = createRequire(import.meta.url);
    const api = load(join(folder, 'control-plane-document.js')).describeControlPlane(createOperations(), '');
    expect(Object.keys(api.components.schemas)).toContain('Tenant');
    expect(load(join(folder, 'docs-page.js')).docsPage(api).html).toContain(`<h1>${api.info.title}</h1>`);
  });

  test("runs Node 24 in every function except CDK's own, without layers and without Python", () => {
    const functions = all('AWS::Lambda::Function');
    expect(functions).toHaveLength(8);
    expect(
      functions.filter(
        ({ Properties }) =>
          !/^nodejs(24|22)\.x$/.test(JSON.stringify(Properties.Runtime).slice(1, -1)) &&
          typeof Properties.Runtime === 'string',
      ),
    ).toEqual([]);
    const ours = functions.filter(({ Properties }) => Properties.Runtime === 'nodejs24.x');
    expect(ours.length).toBeGreaterThanOrEqual(6);
    expect(functions.filter(({ Properties }) => Properties.Layers !== undefined)).toEqual([]);
    expect(all('AWS::Lambda::LayerVersion')).toEqual([]);
    expect(JSON.stringify(resources)).not.toMatch(/python/i);
    const files = readdirSync(output, { recursive: true, encoding: 'utf8' });
    expect(files.filter((name) => /\.py$|requirements\.txt$/.test(name))).toEqual([]);
    const uploads = JSON.parse(readFileSync(join(output, 'controlplane-stack.assets.json'), 'utf8')).files;
    // Our four bundles, CDK's own function, and the template.
    expect(Object.keys(uploads)).toHaveLength(6);
  });

  test('keeps its records in one table, in the shape that the adapter expects, which outlives the stack', () => {
    const table = only('AWS::DynamoDB::Table');
    const { KeySchema, GlobalSecondaryIndexes, AttributeDefinitions } = tableShape('any');
    expect(table.DeletionPolicy).toBe('Retain');
    expect(table.Properties).toMatchObject({
      KeySchema,
      GlobalSecondaryIndexes,
      BillingMode: 'PAY_PER_REQUEST',
      DeletionProtectionEnabled: true,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
    });
    expect(table.Properties.AttributeDefinitions).toEqual(expect.arrayContaining(AttributeDefinitions ?? []));
  });

  test("SE-1.1: hardens SBT's user pool for administrators", () => {
    const pool = only('AWS::Cognito::UserPool');
    expect(pool.DeletionPolicy).toBe('Retain');
    expect(pool.Properties).toMatchObject({
      DeletionProtection: 'ACTIVE',
      MfaConfiguration: 'OPTIONAL',
      EnabledMfas: ['SOFTWARE_TOKEN_MFA'],
      AdminCreateUserConfig: { AllowAdminCreateUserOnly: true },
      AccountRecoverySetting: { RecoveryMechanisms: [{ Name: 'admin_only', Priority: 1 }] },
      UserPoolAddOns: { AdvancedSecurityMode: 'ENFORCED' },
      UserPoolTier: 'PLUS',
      Policies: { PasswordPolicy: { MinimumLength: 12, RequireSymbols: true, RequireNumbers: true } },
    });
    const clients = all('AWS::Cognito::UserPoolClient').map(({ Properties }) => Properties);
    const [byPassword] = clients.filter(({ ClientName }) => ClientName === PASSWORD_CLIENT);
    // No flow that a client without permissions of IAM can use.
    expect(byPassword).toMatchObject({
      ExplicitAuthFlows: ['ALLOW_ADMIN_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
      ...{ AllowedOAuthFlowsUserPoolClient: false, PreventUserExistenceErrors: 'ENABLED', WriteAttributes: ['email'] },
    });
    const interactive = clients.find((one) => one.GenerateSecret === false && one !== byPassword);
    expect(interactive).toMatchObject({
      AllowedOAuthFlows: ['code'],
      ExplicitAuthFlows: ['ALLOW_REFRESH_TOKEN_AUTH'],
      WriteAttributes: ['email'],
      PreventUserExistenceErrors: 'ENABLED',
      AccessTokenValidity: 10,
    });
    const machines = clients.filter(({ GenerateSecret }) => GenerateSecret === true);
    expect(machines.map(({ AllowedOAuthFlows }) => AllowedOAuthFlows)).toEqual([
      ['client_credentials'],
      ['client_credentials'],
    ]);
    // RFC 8252: Cognito compares the port of a loopback address, so each one is registered.
    expect(interactive?.CallbackURLs).toEqual([
      'http://localhost',
      ...['8976', '8977', '8978'].map((port) => `http://localhost:${port}/callback`),
    ]);
    expect(interactive?.LogoutURLs).toEqual(['http://localhost']);
    const scopes = ['tenant/tenant_read', 'tenant/tenant_write', 'user/user_read', 'user/user_write'];
    expect(machines.map(({ AllowedOAuthScopes }) => AllowedOAuthScopes)).toContainEqual(scopes);
    const [authorizer] = all('AWS::ApiGatewayV2::Authorizer');
    expect(authorizer?.Properties.JwtConfiguration.Audience).toHaveLength(3);
    expect(clients.flatMap(({ AllowedOAuthFlows }) => AllowedOAuthFlows)).not.toContain('implicit');
    expect(
      clients.filter(({ WriteAttributes }) => WriteAttributes?.some((name: string) => name.startsWith('custom:'))),
    ).toEqual([]);
  });

  test('SE-2: lets invitations of tenants reach only user pools with the tag of the environment', () => {
    const statements = all('AWS::IAM::Policy').flatMap(({ Properties }) => Properties.PolicyDocument.Statement);
    const onAnyPool = statements.filter(({ Resource }: Properties) => JSON.stringify(Resource).includes('userpool/*'));
    expect(onAnyPool).toMatchObject([
      {
        Action: ['CreateUser', 'DeleteUser', 'GetUser', 'SetUserPassword'].map((verb) => `cognito-idp:Admin${verb}`),
        Condition: { StringEquals: { 'aws:ResourceTag/tierplane:prefix': expect.stringMatching(/^tierplane-/) } },
      },
    ]);
  });

  test('SE-2: allows no wildcard action and gives each function a role of its own', () => {
    const statements = [...all('AWS::IAM::Policy'), ...all('AWS::IAM::Role')].flatMap(({ Properties }) => [
      ...(Properties.PolicyDocument?.Statement ?? []),
      ...(Properties.Policies ?? []).flatMap((policy: Properties) => policy.PolicyDocument.Statement),
    ]);
    expect(statements.length).toBeGreaterThan(10);
    const actions = statements.flatMap(({ Action }: Properties) => Action);
    expect(actions.filter((action: string) => action.includes('*'))).toEqual([]);
    // ListStreams supports no resource: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
    const everywhere = statements.filter(({ Resource }: Properties) => [Resource].flat().includes('*'));
    expect(everywhere.map(({ Action }: Properties) => Action)).toEqual(['dynamodb:ListStreams']);
    const roles = all('AWS::Lambda::Function').map(({ Properties }) => JSON.stringify(Properties.Role));
    expect(new Set(roles).size).toBe(roles.length);
    // Managed policies would allow more: every log and every trace.
    const managed = all('AWS::IAM::Role').flatMap(({ Properties }) => Properties.ManagedPolicyArns ?? []);
    expect(managed).toEqual([]);
  });

  test('SE-1.8: lets the outbox publisher read only the outbox and publish only events of the control plane', () => {
    const policies = all('AWS::IAM::Policy').map(({ Properties }) => Properties.PolicyDocument.Statement);
    const granted = policies.flat().filter(({ Action }: Properties) => [Action].flat().includes('events:PutEvents'));
    expect(granted).toMatchObject([
      {
        Condition: {
          'ForAllValues:StringEquals': { 'events:source': 'controlPlaneEventSource' },
          Null: { 'events:source': 'false' },
        },
      },
    ]);
    const publisher = policies.find((statements: Properties[]) => statements.includes(granted[0]));
    const reads = publisher.find(({ Action }: Properties) => [Action].flat().includes('dynamodb:Query'));
    expect(reads.Condition['ForAllValues:StringEquals']['dynamodb:LeadingKeys']).toEqual(['outbox', 'outbox-rejected']);
  });

  test('keeps every log for 90 days', () => {
    const groups = all('AWS::Logs::LogGroup');
    expect(groups.length).toBeGreaterThanOrEqual(7);
    expect(groups.map(({ Properties }) => Properties.RetentionInDays)).toEqual(groups.map(() => 90));
    // Each function has a log group in the stack, because one that Lambda creates never expires.
    const logs = all('AWS::Lambda::Function').map(({ Properties }) => Properties.LoggingConfig?.LogGroup?.Ref);
    expect(logs.map((name) => resources[name]?.Type)).toEqual(logs.map(() => 'AWS::Logs::LogGroup'));
    expect(new Set(logs).size).toBe(logs.length);
    const format = Object.keys(JSON.parse(only('AWS::ApiGatewayV2::Stage').Properties.AccessLogSettings.Format));
    expect(format).not.toEqual(expect.arrayContaining([expect.stringMatching(/auth|token|header|query/i)]));
  });

  test('SE-6: lets strangers take up no more than 100 requests a second of a route', () => {
    const settings = only('AWS::ApiGatewayV2::Stage').Properties.DefaultRouteSettings;
    expect(settings).toMatchObject({ ThrottlingRateLimit: 100, ThrottlingBurstLimit: 200 });
  });

  test('keeps undelivered events in dead-letter queues and raises an alarm', () => {
    const rules = all('AWS::Events::Rule');
    expect(rules).toHaveLength(5);
    for (const { Properties } of rules) expect(Properties.Targets[0].DeadLetterConfig.Arn).toBeDefined();
    const [mapping] = all('AWS::Lambda::EventSourceMapping');
    expect(mapping?.Properties.DestinationConfig.OnFailure.Destination).toBeDefined();
    expect(all('AWS::CloudWatch::Alarm').length).toBeGreaterThanOrEqual(8);
  });

  test("requires the administrator's email address and refuses anything else", () => {
    const pattern = new RegExp(`^(?:${parameters.SystemAdminEmail?.AllowedPattern})$`);
    expect('admin@example.com').toMatch(pattern);
    for (const wrong of ['', 'admin', 'a@b', 'a b@example.com', 'a@b@example.com']) expect(wrong).not.toMatch(pattern);
  });

  test('breaks no rule of cdk-nag or of CDK, and gives a reason for each suppression', () => {
    synthesize('nag=true');
    const { pluginReports } = JSON.parse(readFileSync(join(output, 'validation-report.json'), 'utf8'));
    expect(pluginReports).toEqual([]);
    const rows = readFileSync(join(output, 'AwsSolutions--controlplane-stack-NagReport.csv'), 'utf8')
      .split('\n')
      .slice(1);
    expect(rows.length).toBeGreaterThan(50);
    expect(rows.filter((row) => row.includes('"Non-Compliant"'))).toEqual([]);
    const suppressed = rows.filter((row) => row.includes('"Suppressed"'));
    expect(suppressed.length).toBeLessThanOrEqual(24);
    for (const row of suppressed) expect(row.split('","')[3]?.length).toBeGreaterThan(20);
  });

  test('has tags and names that allow a second environment in the same account', () => {
    const first = namesIn(resources);
    synthesize('environment=blue', 'mfa=required');
    const text = readFileSync(join(output, 'controlplane-stack-blue.template.json'), 'utf8');
    const second = namesIn(JSON.parse(text).Resources);
    expect(first).toHaveLength(4);
    expect(second).toHaveLength(first.length);
    expect(second.filter((name) => first.includes(name))).toEqual([]);
    expect(text).not.toContain('"Export"');
    expect(text).toContain('"tierplane-blue"');
    expect(text).toContain('"MfaConfiguration": "ON"');
    for (const type of ['AWS::DynamoDB::Table', 'AWS::Cognito::UserPool']) {
      expect(JSON.stringify(only(type).Properties)).toContain('tierplane:environment');
    }
    expect(() => synthesize('environment=No/Name')).toThrow();
  });
});

/** The names in a template that must be unique in the account. CloudFormation generates all other names. */
function namesIn(resources: Record<string, Resource>): string[] {
  const withinAnother = /UserPoolResourceServer|Authorizer|Stage|CustomResource$/;
  const name = /^(Name|Domain|AliasName|(Alarm|Bus|Function|Group|LogGroup|Queue|Role|Rule|Table|UserPool)Name)$/;
  return Object.values(resources)
    .filter(({ Type }) => !withinAnother.test(Type))
    .flatMap(({ Properties }) => Object.entries<Properties>(Properties))
    .filter(([key, value]) => name.test(key) && !value.Ref && !value['Fn::GetAtt'])
    .map(([, value]) => JSON.stringify(value));
}
