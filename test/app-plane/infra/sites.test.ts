import { CreateUserPoolClientCommand, CreateUserPoolCommand } from '@aws-sdk/client-cognito-identity-provider';
import { describe, expect, jest, test } from '@jest/globals';
import { openUserPools } from '../../../adapters/aws/identity/user-pool.ts';
import { tableShape } from '../../../adapters/aws/store/table-shape.ts';
import { systemRandom } from '../../../adapters/shared/clock.ts';
import { Synthesized } from '../../support/synthesized.ts';

jest.setTimeout(60_000);

const app = Synthesized.of('test/app-plane/infra/sites-app.ts', { nag: 'true' });
const all = (type: string) => app.resources('parts', type);
const propertiesOf = (type: string) => all(type).map(({ Properties }) => Properties);
/** Statements of all policies of this type. */
const statementsOf = (type: string) =>
  propertiesOf(type).flatMap((properties) => (properties.PolicyDocument ?? properties.KeyPolicy).Statement);

describe('the sites', () => {
  const distributions = propertiesOf('AWS::CloudFront::Distribution').map((one) => one.DistributionConfig);

  test('are read by CloudFront only, each distribution its own bucket', () => {
    expect(distributions).toHaveLength(2);
    for (const bucket of propertiesOf('AWS::S3::Bucket')) {
      expect(bucket.PublicAccessBlockConfiguration).toEqual({
        ...{ BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true },
      });
    }
    const allowed = statementsOf('AWS::S3::BucketPolicy').filter(
      ({ Effect, Principal }) => Effect === 'Allow' && Principal.Service === 'cloudfront.amazonaws.com',
    );
    expect(allowed.map(({ Action }) => Action)).toEqual(['s3:GetObject', 's3:GetObject']);
    const sources = allowed.map(({ Condition }) => JSON.stringify(Condition.StringEquals['AWS:SourceArn']));
    expect(sources[0]).toMatch(/AdminSiteDistribution/);
    expect(sources[1]).toMatch(/AppSiteDistribution/);
    for (const { Origins } of distributions) expect(Origins[0].OriginAccessControlId).toBeDefined();
  });

  test('show their first page for deep links, which the bucket does not know, and redirect to HTTPS', () => {
    for (const { CustomErrorResponses, DefaultCacheBehavior, DefaultRootObject, WebACLId } of distributions) {
      expect(DefaultRootObject).toBe('index.html');
      expect(CustomErrorResponses).toEqual(
        [403, 404].map((ErrorCode) => ({
          ...{ ErrorCode, ResponseCode: 200, ResponsePagePath: '/index.html', ErrorCachingMinTTL: 0 },
        })),
      );
      expect(DefaultCacheBehavior.ViewerProtocolPolicy).toBe('redirect-to-https');
      expect(WebACLId).toBeUndefined();
    }
  });

  test('SE-2: allow scripts and styles of their own only, in no frame, with calls to the APIs of the region', () => {
    const policies = propertiesOf('AWS::CloudFront::ResponseHeadersPolicy').map(
      (one) => one.ResponseHeadersPolicyConfig,
    );
    expect(policies).toHaveLength(2);
    for (const { SecurityHeadersConfig } of policies) {
      const policy = JSON.stringify(SecurityHeadersConfig.ContentSecurityPolicy);
      for (const rule of [
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        'https://*.execute-api.',
      ]) {
        expect(policy).toContain(rule);
      }
      expect(policy).not.toMatch(/unsafe|https: |\* /);
      expect(SecurityHeadersConfig).toMatchObject({
        ContentTypeOptions: { Override: true },
        FrameOptions: { FrameOption: 'DENY', Override: true },
        ReferrerPolicy: { ReferrerPolicy: 'no-referrer', Override: true },
        StrictTransportSecurity: { AccessControlMaxAgeSec: 31_536_000, Override: true },
      });
    }
    for (const { DefaultCacheBehavior } of distributions) {
      expect(DefaultCacheBehavior.ResponseHeadersPolicyId).toBeDefined();
    }
  });

  test('get config.json and a page when the stack is deployed; only files with a hash in their name are kept by browsers', () => {
    const files = propertiesOf('Custom::AWS').map((one) => JSON.stringify(one.Create));
    const cacheOf = (path: RegExp) =>
      files.filter((one) => path.test(one)).map((one) => /CacheControl[^}]*/.exec(one)?.[0]);
    expect(files).toHaveLength(6);
    for (const cache of cacheOf(/"Key\\+":\\+"(config\.json|index\.html)/)) expect(cache).toContain('no-cache');
    const kept = cacheOf(/"Key\\+":\\+"assets\/page-[0-9a-f]{16}\.css/);
    expect(kept).toHaveLength(2);
    for (const cache of kept) expect(cache).toContain('public, max-age=31536000, immutable');
    expect(files.join()).not.toMatch(/<script/i);
    const rights = statementsOf('AWS::IAM::Policy').filter(({ Action }) => Action === 's3:PutObject');
    expect(rights.map(({ Resource }) => JSON.stringify(Resource)).filter((one) => one.includes('*'))).toEqual([]);
  });

  test('write access logs of CloudFront and of the buckets into one bucket, which only these may write to', () => {
    const logs = all('AWS::S3::Bucket').find(({ id }) => id.startsWith('AccessLogs'));
    for (const { Logging } of distributions) {
      expect(Logging.Bucket['Fn::GetAtt'][0]).toBe(logs?.id);
      expect(Logging.IncludeCookies).not.toBe(true);
    }
    const logged = propertiesOf('AWS::S3::Bucket').map((one) => one.LoggingConfiguration?.LogFilePrefix);
    expect(logged).toEqual([undefined, 's3/tierplane-main-admin/', 's3/tierplane-main-app/']);
    expect(logs?.Properties.LifecycleConfiguration.Rules[0].ExpirationInDays).toBe(90);
    const writers = statementsOf('AWS::S3::BucketPolicy').filter(({ Action }) => Action === 's3:PutObject');
    for (const { Principal, Condition } of writers) {
      expect(Principal).toEqual({ Service: 'logging.s3.amazonaws.com' });
      expect(Object.keys(Condition)).toEqual(['ArnEquals', 'StringEquals']);
    }
  });
});

describe('the pooled user pool', () => {
  const pool = all('AWS::Cognito::UserPool')[0];
  const client = propertiesOf('AWS::Cognito::UserPoolClient')[0];

  /** What the adapter passes to Cognito for a pool of this realm. */
  async function ofAdapter(id: 'pool'): Promise<Record<string, unknown>[]> {
    const sent: (CreateUserPoolCommand | CreateUserPoolClientCommand)[] = [];
    const cognito = {
      async send(command: object) {
        if (command instanceof CreateUserPoolCommand || command instanceof CreateUserPoolClientCommand)
          sent.push(command);
        return { UserPool: { Id: 'x' }, UserPoolClient: { ClientId: 'x' }, Domain: 'x' };
      },
    };
    const triggers = { customMessage: 'message', preToken: 'token' };
    const pools = openUserPools(cognito as never, { prefix: 'tierplane-main', random: systemRandom, triggers });
    await pools.ensurePool({ id, displayName: 'Tierplane' });
    return sent.map(({ input }): Record<string, unknown> => ({ ...input }));
  }

  test('ON-3: has the name and the settings that the adapter gives to the pools of premium tenants', async () => {
    const [created = {}, createdClient = {}] = await ofAdapter('pool');
    const { PoolName, UserPoolTags, LambdaConfig, VerificationMessageTemplate, ...settings } = created;
    expect(pool?.Properties.UserPoolName).toBe(PoolName);
    expect(pool?.Properties.UserPoolTags).toMatchObject(UserPoolTags as object);
    expect(pool?.Properties.VerificationMessageTemplate).toMatchObject(VerificationMessageTemplate as object);
    expect(Object.keys(pool?.Properties.LambdaConfig)).toEqual(Object.keys(LambdaConfig as object));
    expect(pool?.Properties).toMatchObject(settings);
    const { UserPoolId, ExplicitAuthFlows, AccessTokenValidity, IdTokenValidity, TokenValidityUnits, ...shared } =
      createdClient;
    expect(client).toMatchObject({ AccessTokenValidity, IdTokenValidity });
    expect(client.TokenValidityUnits).toMatchObject(TokenValidityUnits as object);
    expect(new Set(client.ExplicitAuthFlows)).toEqual(new Set(ExplicitAuthFlows as string[]));
    expect(client).toMatchObject(shared);
  });

  test('SE-1.1: lets users write no attribute that a decision relies on, and signs them in by code only', () => {
    expect(client).toMatchObject({
      ...{ WriteAttributes: ['name'], GenerateSecret: false, AllowedOAuthFlows: ['code'] },
      ...{ AllowedOAuthScopes: ['openid', 'email'], PreventUserExistenceErrors: 'ENABLED' },
      ...{ EnableTokenRevocation: true, AccessTokenValidity: 10, RefreshTokenValidity: 30 * 24 * 60 },
    });
    expect(JSON.stringify(client.CallbackURLs[0])).toContain('AppSiteDistribution');
    expect(client.CallbackURLs.slice(1)).toEqual(
      ['8976', '8977', '8978'].map((port) => `http://localhost:${port}/callback`),
    );
    expect(client.LogoutURLs).toEqual(client.CallbackURLs.slice(0, 1));
  });

  test('may add claims to access tokens, ignores the case of names, lets users choose a second factor, and remains', () => {
    expect(pool?.DeletionPolicy).toBe('Retain');
    expect(pool?.Properties).toMatchObject({
      ...{ UserPoolTier: 'ESSENTIALS', MfaConfiguration: 'OPTIONAL', EnabledMfas: ['SOFTWARE_TOKEN_MFA'] },
      ...{ UsernameConfiguration: { CaseSensitive: false }, DeletionProtection: 'ACTIVE' },
      LambdaConfig: { PreTokenGenerationConfig: { LambdaVersion: 'V2_0' } },
    });
    expect(JSON.stringify(propertiesOf('AWS::Cognito::UserPoolDomain')[0].Domain)).toContain('AWS::StackId');
  });

  test('SE-1.4: invokes its functions only from user pools of this account', () => {
    const permissions = propertiesOf('AWS::Lambda::Permission');
    expect(permissions).toHaveLength(4);
    for (const { Principal, SourceArn, SourceAccount } of permissions) {
      expect(Principal).toBe('cognito-idp.amazonaws.com');
      expect(JSON.stringify(SourceArn)).toMatch(/userpool\/\*|PoolUserPool/);
      if (JSON.stringify(SourceArn).includes('*')) expect(SourceAccount).toEqual({ Ref: 'AWS::AccountId' });
    }
  });
});

describe('the functions of users, the table, the keys and the alarms', () => {
  test('SE-2: allow no wildcard action; triggers read the table by key only; users of other environments stay out of reach', () => {
    const statements = statementsOf('AWS::IAM::Policy');
    const actions = statements.flatMap(({ Action }) => Action);
    expect(actions.filter((action: string) => action.includes('*'))).toEqual([]);
    for (const trigger of ['pretoken', 'custommessage']) {
      const [policy] = all('AWS::IAM::Policy').filter(({ id }) => id.startsWith(`Users${trigger}`));
      const allowed = policy?.Properties.PolicyDocument.Statement.flatMap(({ Action }: { Action: string }) => Action);
      expect(allowed).toEqual(['logs:CreateLogStream', 'logs:PutLogEvents', 'dynamodb:GetItem']);
    }
    const onPools = statements.filter(({ Action }) => [Action].flat().some((one) => one.startsWith('cognito-idp:')));
    expect(onPools).toHaveLength(1);
    expect(onPools[0].Condition).toEqual({ StringEquals: { 'aws:ResourceTag/tierplane:prefix': 'tierplane-main' } });
    const everywhere = statements.filter(({ Resource }) => [Resource].flat().includes('*'));
    expect(everywhere).toEqual([]);
  });

  test("keep the application plane's records in a table of the platform's shape, which remains", () => {
    const [table] = all('AWS::DynamoDB::Table');
    const { KeySchema, GlobalSecondaryIndexes } = tableShape('any');
    expect(table?.DeletionPolicy).toBe('Retain');
    expect(table?.Properties).toMatchObject({
      ...{ KeySchema, GlobalSecondaryIndexes, DeletionProtectionEnabled: true },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      StreamSpecification: { StreamViewType: 'KEYS_ONLY' },
    });
  });

  test('rotate their keys; the key of passwords remains', () => {
    const keys = all('AWS::KMS::Key');
    for (const { Properties } of keys) expect(Properties.EnableKeyRotation).toBe(true);
    expect(keys.map(({ id, DeletionPolicy }) => `${id.slice(0, -8)} ${DeletionPolicy}`)).toEqual([
      'PasswordKey Retain',
      'AlarmsKey Delete',
    ]);
  });

  test('notify one of two topics of each alarm, which only alarms of the account publish to', () => {
    const actions = all('AWS::CloudWatch::Alarm').map(
      ({ id, Properties }) => `${id.slice(0, -8)} ${Properties.AlarmActions[0].Ref.slice(0, -8)}`,
    );
    expect(actions).toEqual([
      'UserspretokenFunctionErrors AlarmsWarning',
      'UserscustommessageFunctionErrors AlarmsWarning',
      'UserstenantusersFunctionErrors AlarmsCritical',
    ]);
    const publishers = statementsOf('AWS::SNS::TopicPolicy').filter(({ Effect }) => Effect === 'Allow');
    expect(publishers).toHaveLength(2);
    for (const { Principal, Action, Condition } of publishers) {
      expect([Principal, Action]).toEqual([{ Service: 'cloudwatch.amazonaws.com' }, 'sns:Publish']);
      expect(Condition.StringEquals).toEqual({ 'aws:SourceAccount': { Ref: 'AWS::AccountId' } });
    }
  });

  test('break no rule of cdk-nag, and give a reason for each suppression', () => {
    const rows = app.nagRows('parts');
    expect(rows.filter((row) => row.includes('"Non-Compliant"'))).toEqual([]);
    const suppressed = rows.filter((row) => row.includes('"Suppressed"'));
    expect(suppressed).toHaveLength(9);
    for (const row of suppressed) expect(row.split('","')[3]?.length).toBeGreaterThan(20);
  });
});
