import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { SERVICES, TIER_NAMES, TIERS } from '../../../../tenant-templates/tiers.ts';
import { Synthesized, type TemplateResource } from '../../../support/synthesized.ts';

const STACK = 'shared-infra-stack';

describe("the tenants' REST API with two shards", () => {
  const folder = mkdtempSync(join(tmpdir(), 'tierplane-rest-api-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const configuration = join(folder, 'aws.json');
  writeFileSync(configuration, JSON.stringify({ shards: 2 }));
  const app = Synthesized.of('bin/cdk.ts', { configuration });
  const all = (type: string) => app.resources(STACK, type);
  const only = (type: string): TemplateResource => {
    const [one, ...others] = all(type);
    expect(others).toEqual([]);
    if (!one) throw new Error(`no ${type}`);
    return one;
  };

  /** The path of each resource, by its logical id. */
  function paths(): Map<string, string> {
    const parts = new Map(all('AWS::ApiGateway::Resource').map(({ id, Properties }) => [id, Properties]));
    const pathOf = (id: string): string => {
      const resource = parts.get(id);
      return resource ? `${pathOf(resource.ParentId.Ref)}/${resource.PathPart}` : '';
    };
    return new Map([...parts.keys()].map((id) => [id, pathOf(id)]));
  }

  /** The methods by path, of one verb. */
  function methods(verb: 'ANY' | 'OPTIONS'): Map<string, TemplateResource['Properties']> {
    const byId = paths();
    const found = all('AWS::ApiGateway::Method').filter(({ Properties }) => Properties.HttpMethod === verb);
    return new Map(found.map(({ Properties }) => [byId.get(Properties.ResourceId.Ref) ?? '/', Properties]));
  }

  test('has the paths of each service in each shard, with and without version', () => {
    const expected = ['s1', 's2'].flatMap((shard) => [
      ...SERVICES.flatMap((service) => [`/${shard}/${service}`, `/${shard}/${service}/{proxy+}`]),
      `/${shard}/v1/{proxy+}`,
    ]);
    expect([...methods('ANY').keys()].toSorted()).toEqual(expected.toSorted());
  });

  test('reaches the load balancer of the shard through a VPC link of version 2, which every method targets', () => {
    const link = only('AWS::ApiGatewayV2::VpcLink');
    expect(all('AWS::ApiGateway::VpcLink')).toEqual([]);
    const balancers = all('AWS::ElasticLoadBalancingV2::LoadBalancer').map(({ id }) => id);
    expect(balancers).toHaveLength(2);
    for (const [path, { Integration }] of methods('ANY')) {
      const [, shard = '', rest = ''] = /^\/s(\d)(\/.*)$/.exec(path) ?? [];
      const balancer = balancers[Number(shard) - 1];
      expect(Integration).toMatchObject({
        Type: 'HTTP_PROXY',
        ConnectionType: 'VPC_LINK',
        ConnectionId: { Ref: link.id },
      });
      expect([path, Integration.IntegrationTarget]).toEqual([path, { Ref: balancer }]);
      const uri = ['http://', { 'Fn::GetAtt': [balancer, 'DNSName'] }, rest.replace('{proxy+}', '{proxy}')];
      expect([path, Integration.Uri]).toEqual([path, { 'Fn::Join': ['', uri] }]);
    }
  });

  test('SE-1.5: replaces every header that load balancers and services trust', () => {
    for (const [path, { Integration }] of methods('ANY')) {
      expect(Integration.RequestParameters).toEqual({
        'integration.request.header.tenantPath': 'context.authorizer.tenantPath',
        'integration.request.header.x-tierplane-tenant': 'context.authorizer.tenantId',
        'integration.request.header.x-tierplane-tier': 'context.authorizer.tier',
        'integration.request.header.x-tierplane-role': "'none'",
        ...(path.endsWith('{proxy+}') && { 'integration.request.path.proxy': 'method.request.path.proxy' }),
      });
    }
  });

  test('asks the authorizer about the token of every request, and keeps its decision for 30 seconds', () => {
    const authorizer = only('AWS::ApiGateway::Authorizer');
    expect(authorizer.Properties).toMatchObject({
      Type: 'TOKEN',
      IdentitySource: 'method.request.header.Authorization',
      AuthorizerResultTtlInSeconds: 30,
    });
    for (const [, method] of methods('ANY')) {
      expect(method).toMatchObject({
        AuthorizationType: 'CUSTOM',
        AuthorizerId: { Ref: authorizer.id },
        ApiKeyRequired: true,
      });
    }
    const permissions = all('AWS::Lambda::Permission').filter(
      ({ Properties }) => Properties.Principal === 'apigateway.amazonaws.com',
    );
    expect(permissions).toHaveLength(1);
    // SE-1.4: only this API may invoke it.
    expect(JSON.stringify(permissions[0]?.Properties.SourceArn)).toContain(only('AWS::ApiGateway::RestApi').id);
  });

  test('SE-1.16: takes the key that counts requests from the authorizer, never from the client', () => {
    expect(only('AWS::ApiGateway::RestApi').Properties.ApiKeySourceType).toBe('AUTHORIZER');
  });

  test('RT-2: has a usage plan for each tier, with the limits of the tier table', () => {
    const plans = all('AWS::ApiGateway::UsagePlan').map(({ Properties }) => Properties);
    const expected = TIER_NAMES.map((tier) => {
      const { rate, burst, quotaPerDay } = TIERS[tier].usagePlan;
      return {
        UsagePlanName: `tierplane-main-${tier}`,
        Throttle: { RateLimit: rate, BurstLimit: burst },
        Quota: { Limit: quotaPerDay, Period: 'DAY' },
        ApiStages: [{ Stage: { Ref: only('AWS::ApiGateway::Stage').id } }],
      };
    });
    expect(plans).toHaveLength(expected.length);
    expect(plans).toMatchObject(expected);
  });

  describe('for pages of the app site', () => {
    const originOf = () => {
      const value = app.template(STACK).Outputs.appSite.Value;
      return { 'Fn::Join': ['', ["'https://", value['Fn::Join'][1][1], "'"]] };
    };

    test('responds to preflight requests of every path without a token', () => {
      const preflight = methods('OPTIONS');
      expect([...preflight.keys()].toSorted()).toEqual(['/', ...paths().values()].toSorted());
      for (const [, { AuthorizationType, ApiKeyRequired, Integration }] of preflight) {
        expect([AuthorizationType, ApiKeyRequired ?? false, Integration.Type]).toEqual(['NONE', false, 'MOCK']);
        const [{ ResponseParameters, StatusCode }] = Integration.IntegrationResponses;
        expect(StatusCode).toBe('204');
        expect(ResponseParameters).toMatchObject({
          'method.response.header.Access-Control-Allow-Origin': originOf(),
          'method.response.header.Access-Control-Allow-Methods': "'GET,POST,PUT,PATCH,DELETE'",
          'method.response.header.Access-Control-Allow-Headers': expect.stringMatching(
            /^'.*authorization.*if-match.*'$/,
          ),
        });
      }
    });

    test('makes its own errors readable', () => {
      const responses = all('AWS::ApiGateway::GatewayResponse').map(({ Properties }) => Properties);
      const types = responses.map(({ ResponseType }) => ResponseType);
      const expected = [
        'UNAUTHORIZED',
        'ACCESS_DENIED',
        'INVALID_API_KEY',
        'WAF_FILTERED',
        'THROTTLED',
        'QUOTA_EXCEEDED',
      ];
      expect(types).toEqual(expect.arrayContaining([...expected, 'DEFAULT_4XX', 'DEFAULT_5XX']));
      for (const { ResponseParameters } of responses) {
        expect(ResponseParameters).toMatchObject({
          'gatewayresponse.header.access-control-allow-origin': originOf(),
          'gatewayresponse.header.access-control-expose-headers': expect.stringContaining('retry-after'),
        });
      }
    });
  });

  test('its errors say what is wrong', () => {
    const found = all('AWS::ApiGateway::GatewayResponse').map(({ Properties }) => [
      Properties.ResponseType,
      Properties,
    ]);
    const responses = Object.fromEntries(found);
    const json = (message: string) => ({ 'application/json': JSON.stringify({ message }) });
    expect(responses.ACCESS_DENIED.ResponseTemplates).toEqual(json('$context.authorizer.message'));
    expect(responses.AUTHORIZER_FAILURE).toMatchObject({
      StatusCode: '503',
      ResponseTemplates: json('Service Unavailable'),
    });
    expect(responses.MISSING_AUTHENTICATION_TOKEN).toMatchObject({
      StatusCode: '404',
      ResponseTemplates: json('Not Found'),
    });
    expect(responses.UNAUTHORIZED.ResponseParameters).toMatchObject({
      'gatewayresponse.header.www-authenticate': "'Bearer'",
    });
    expect(responses.THROTTLED.ResponseParameters).toMatchObject({ 'gatewayresponse.header.retry-after': "'1'" });
    // AWS's own messages, which SBT's clients know.
    for (const type of ['UNAUTHORIZED', 'INVALID_API_KEY', 'THROTTLED', 'QUOTA_EXCEEDED']) {
      expect([type, responses[type].ResponseTemplates]).toEqual([type, undefined]);
    }
  });

  test('SE-1.10: logs each request without headers, query or body', () => {
    const { AccessLogSetting, MethodSettings } = only('AWS::ApiGateway::Stage').Properties;
    const values = Object.values<string>(JSON.parse(AccessLogSetting.Format));
    expect(values).toEqual(
      expect.arrayContaining(['$context.requestId', '$context.status', '$context.authorizer.tenantId']),
    );
    expect(values.filter((value) => /header|query|body|token|claims|apiKey/i.test(value))).toEqual([]);
    expect(MethodSettings).toMatchObject([{ DataTraceEnabled: false, LoggingLevel: 'ERROR', ResourcePath: '/*' }]);
    for (const { Properties } of all('AWS::Logs::LogGroup')) expect(Properties.RetentionInDays).toBe(90);
    const names = JSON.stringify(all('AWS::Logs::LogGroup').map(({ Properties }) => Properties.LogGroupName));
    expect(names).toContain('API-Gateway-Execution-Logs_');
  });

  test('SE-2: a firewall blocks floods, anonymous addresses, SQL injection, scripts and known attacks', () => {
    const { Rules, DefaultAction, Scope } = only('AWS::WAFv2::WebACL').Properties;
    expect([DefaultAction, Scope]).toEqual([{ Allow: {} }, 'REGIONAL']);
    const names = Rules.map(({ Name }: { Name: string }) => Name);
    const groups = ['AnonymousIpList', 'CommonRuleSet', 'SQLiRuleSet'].map((name) => `AWSManagedRules${name}`);
    expect(names).toEqual(['Rate', ...groups, 'CrossSiteScripting']);
    for (const { Action, OverrideAction } of Rules)
      expect(Action ?? OverrideAction).toEqual(Action ? { Block: {} } : { None: {} });
    const largest = Math.max(...TIER_NAMES.map((tier) => TIERS[tier].usagePlan.rate));
    const rate = Rules[0].Statement.RateBasedStatement;
    expect(rate).toEqual({ Limit: largest * 300, EvaluationWindowSec: 300, AggregateKeyType: 'IP' });
    // Samples of requests would contain tokens.
    const settings = JSON.stringify(only('AWS::WAFv2::WebACL').Properties);
    expect(settings).not.toContain('"SampledRequestsEnabled":true');
    const { ResourceArn, WebACLArn } = only('AWS::WAFv2::WebACLAssociation').Properties;
    expect(JSON.stringify(ResourceArn)).toContain(only('AWS::ApiGateway::Stage').id);
    expect(WebACLArn['Fn::GetAtt']).toEqual([only('AWS::WAFv2::WebACL').id, 'Arn']);
  });
});
