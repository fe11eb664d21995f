import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { tableShape } from '../../adapters/aws/table-shape.ts';

const ROOT = join(import.meta.dirname, '../..');
/** 3 s where nothing else runs; here others do. */
const CPU_SECONDS = 10;
/** Has the process say, as its last word, how much processor time it took. */
const TELL_CPU = `data:text/javascript,process.on('exit',()=>console.error('cpu',process.cpuUsage().user))`;
jest.setTimeout(180_000);

// biome-ignore lint/suspicious/noExplicitAny: templates are looked into freely, as JSON
type Properties = any;
interface Resource {
  readonly Type: string;
  readonly Properties: Properties;
  readonly DeletionPolicy?: string;
}

describe('the control plane`s stack', () => {
  const output = mkdtempSync(join(tmpdir(), 'tierplane-cdk-'));
  let resources: Record<string, Resource>;
  let parameters: Record<string, { AllowedPattern?: string }>;
  let cpuSeconds: number;

  /** With nothing but Node on its path, and no way out of the machine. */
  function synthesize(...args: string[]): number {
    const env = {
      PATH: dirname(process.execPath),
      CDK_OUTDIR: output,
      CDK_CONTEXT_JSON: JSON.stringify(Object.fromEntries(args.map((arg) => arg.split('=')))),
      JSII_DEPRECATED: 'quiet',
      http_proxy: 'http://127.0.0.1:9',
      https_proxy: 'http://127.0.0.1:9',
    };
    const { status, stderr } = spawnSync(process.execPath, ['--import', TELL_CPU, 'bin/cdk.ts'], {
      ...{ cwd: ROOT, env },
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(stderr);
    return Number(/cpu (\d+)/.exec(stderr)?.[1]) / 1e6;
  }

  beforeAll(() => {
    cpuSeconds = synthesize();
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

  test('is made without network, Docker or Python, in seconds', () => {
    expect(cpuSeconds).toBeLessThan(CPU_SECONDS);
  });

  test('has bundles of at most 200 KB, and the SDK in none', () => {
    const folders = readdirSync(output).filter((name) => name.startsWith('bundle.'));
    const bundles = folders.map((name) => join(output, name, 'index.js'));
    expect(bundles).toHaveLength(3);
    for (const file of bundles) {
      expect(statSync(file).size).toBeLessThanOrEqual(200 * 1024);
      const code = readFileSync(file, 'utf8');
      expect(code).toContain('require("@aws-sdk/client-dynamodb")');
      const others = [...code.matchAll(/require\("([^"]+)"\)/g)].map(([, name = '']) => name);
      expect(others.filter((name) => !/^(node:\w+|@aws-sdk\/client-[\w-]+)$/.test(name))).toEqual([]);
      // Nothing of the machine that made it.
      expect(code).not.toContain('node_modules');
      expect(code).not.toContain(ROOT);
    }
  });

  test('runs Node 24 in every function but CDK`s own, with no layer and no Python', () => {
    const functions = all('AWS::Lambda::Function');
    expect(functions).toHaveLength(7);
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
  });

  test('keeps its records in one table of the adapter`s shape that outlives the stack', () => {
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

  test('SE-1: leaves nothing weak in the sign-in of admins', () => {
    const pool = only('AWS::Cognito::UserPool');
    expect(pool.DeletionPolicy).toBe('Retain');
    expect(pool.Properties).toMatchObject({
      DeletionProtection: 'ACTIVE',
      MfaConfiguration: 'OPTIONAL',
      EnabledMfas: ['SOFTWARE_TOKEN_MFA'],
      AdminCreateUserConfig: { AllowAdminCreateUserOnly: true },
      UserPoolAddOns: { AdvancedSecurityMode: 'ENFORCED' },
      UserPoolTier: 'PLUS',
      Policies: { PasswordPolicy: { MinimumLength: 12, RequireSymbols: true, RequireNumbers: true } },
    });
    const clients = all('AWS::Cognito::UserPoolClient').map(({ Properties }) => Properties);
    const people = clients.find(({ GenerateSecret }) => GenerateSecret === false);
    expect(people).toMatchObject({
      AllowedOAuthFlows: ['code'],
      ExplicitAuthFlows: ['ALLOW_REFRESH_TOKEN_AUTH'],
      WriteAttributes: ['email'],
      PreventUserExistenceErrors: 'ENABLED',
      AccessTokenValidity: 10,
    });
    const machine = clients.find(({ GenerateSecret }) => GenerateSecret === true);
    expect(machine.AllowedOAuthFlows).toEqual(['client_credentials']);
    expect(clients.flatMap(({ AllowedOAuthFlows }) => AllowedOAuthFlows)).not.toContain('implicit');
    expect(
      clients.filter(({ WriteAttributes }) => WriteAttributes?.some((name: string) => name.startsWith('custom:'))),
    ).toEqual([]);
  });

  test('SE-2: names every action that a role may do, and gives each function a role of its own', () => {
    const statements = [...all('AWS::IAM::Policy'), ...all('AWS::IAM::Role')].flatMap(({ Properties }) => [
      ...(Properties.PolicyDocument?.Statement ?? []),
      ...(Properties.Policies ?? []).flatMap((policy: Properties) => policy.PolicyDocument.Statement),
    ]);
    expect(statements.length).toBeGreaterThan(10);
    const actions = statements.flatMap(({ Action }: Properties) => Action);
    expect(actions.filter((action: string) => action.includes('*'))).toEqual([]);
    // ListStreams names no resource: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
    const everywhere = statements.filter(({ Resource }: Properties) => [Resource].flat().includes('*'));
    expect(everywhere.map(({ Action }: Properties) => Action)).toEqual(['dynamodb:ListStreams']);
    const roles = all('AWS::Lambda::Function').map(({ Properties }) => JSON.stringify(Properties.Role));
    expect(new Set(roles).size).toBe(roles.length);
  });

  test('SE-1: lets the outbox`s publisher speak for the control plane only, and see the outbox only', () => {
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
  });

  test('keeps what nobody could handle, and tells of it', () => {
    const rules = all('AWS::Events::Rule');
    expect(rules).toHaveLength(5);
    for (const { Properties } of rules) expect(Properties.Targets[0].DeadLetterConfig.Arn).toBeDefined();
    const [mapping] = all('AWS::Lambda::EventSourceMapping');
    expect(mapping?.Properties.DestinationConfig.OnFailure.Destination).toBeDefined();
    expect(all('AWS::CloudWatch::Alarm').length).toBeGreaterThanOrEqual(8);
  });

  test('asks for the admin`s email, and takes nothing else for one', () => {
    const pattern = new RegExp(`^(?:${parameters.SystemAdminEmail?.AllowedPattern})$`);
    expect('admin@example.com').toMatch(pattern);
    for (const wrong of ['', 'admin', 'a@b', 'a b@example.com', 'a@b@example.com']) expect(wrong).not.toMatch(pattern);
  });

  test('breaks no rule of cdk-nag; what is suppressed is so on one resource, for a reason', () => {
    synthesize('nag=true');
    const rows = readFileSync(join(output, 'AwsSolutions--controlplane-stack-NagReport.csv'), 'utf8')
      .split('\n')
      .slice(1);
    expect(rows.length).toBeGreaterThan(50);
    expect(rows.filter((row) => row.includes('"Non-Compliant"'))).toEqual([]);
    const suppressed = rows.filter((row) => row.includes('"Suppressed"'));
    expect(suppressed.length).toBeLessThanOrEqual(14);
    for (const row of suppressed) expect(row.split('","')[3]?.length).toBeGreaterThan(20);
  });

  test('has tags and a name that leave room for a second environment', () => {
    synthesize('environment=blue', 'mfa=required');
    const text = readFileSync(join(output, 'controlplane-stack-blue.template.json'), 'utf8');
    expect(text).toContain('"tierplane-blue"');
    expect(text).toContain('"MfaConfiguration": "ON"');
    for (const type of ['AWS::DynamoDB::Table', 'AWS::Cognito::UserPool']) {
      expect(JSON.stringify(only(type).Properties)).toContain('tierplane:environment');
    }
    expect(() => synthesize('environment=No/Name')).toThrow();
  });
});
