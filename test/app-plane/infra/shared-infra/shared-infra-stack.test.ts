import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { CELL_KEYS, FIREWALL_RULES, INTERFACE_ENDPOINTS } from '../../../../app-plane/infra/cost/monthly-cost.ts';
import { Synthesized, type TemplateResource } from '../../../support/synthesized.ts';

const CERTIFICATE = 'arn:aws:acm:us-east-1:000000000000:certificate/01234567-89ab-cdef-0123-456789abcdef';

describe("shared-infra's stack", () => {
  const folder = mkdtempSync(join(tmpdir(), 'tierplane-shared-infra-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const configuration = join(folder, 'aws.json');
  const network = { availabilityZones: 2, egress: 'endpoints', natGateways: 2 };
  const certificate = { certificateArn: CERTIFICATE, certificateHost: 'lb.example.com' };
  const others = { requestsPerAddress: 500, logRetentionDays: 30, tiers: { premium: { capacity: 'ec2' } } };
  writeFileSync(configuration, JSON.stringify({ network, shards: 10, ...certificate, ...others }));
  /** The environment main as it is without a configuration. */
  const main = Synthesized.of('bin/cdk.ts', { nag: 'true' });
  /** A second environment with other settings. */
  const blue = Synthesized.of('bin/cdk.ts', { environment: 'blue', configuration });
  const ofMain = (type: string) => main.resources('shared-infra-stack', type);
  const ofBlue = (type: string) => blue.resources('shared-infra-stack-blue', type);

  test('has the parts that the estimates of docs/cost.md count', () => {
    const [firewall] = ofMain('AWS::WAFv2::WebACL');
    expect(firewall?.Properties.Rules).toHaveLength(FIREWALL_RULES);
    expect(ofMain('AWS::KMS::Key')).toHaveLength(CELL_KEYS);
    const endpoints = ofBlue('AWS::EC2::VPCEndpoint').map(({ Properties }) => JSON.stringify(Properties));
    // Tasks on EC2 instances need the endpoints of ECS, too.
    const ofTasks = endpoints.filter((one) => one.includes('Interface') && !/\.ecs(-\w+)?"/.test(one));
    expect(ofTasks).toHaveLength(INTERFACE_ENDPOINTS);
  });

  describe('network', () => {
    const routesOf = (all: (type: string) => TemplateResource[], target: string) =>
      all('AWS::EC2::Route').filter(({ Properties }) => Properties[target] !== undefined);

    test('has public and private subnets in three zones, or two', () => {
      for (const [all, zones] of [
        [ofMain, 3],
        [ofBlue, 2],
      ] as const) {
        const subnets = all('AWS::EC2::Subnet').map(({ Properties }) => Properties);
        const numbers = subnets.map(({ AvailabilityZone }) => AvailabilityZone['Fn::Select'][0]);
        expect(numbers.toSorted()).toEqual(Array.from({ length: zones }, (_, i) => [i, i]).flat());
        expect(subnets.filter(({ MapPublicIpOnLaunch }) => MapPublicIpOnLaunch)).toEqual([]);
        expect(routesOf(all, 'GatewayId')).toHaveLength(zones);
        expect(routesOf(all, 'NatGatewayId')).toHaveLength(zones);
      }
    });

    test('has as many NAT gateways as configured', () => {
      expect([ofMain, ofBlue].map((all) => all('AWS::EC2::NatGateway').length)).toEqual([1, 2]);
    });

    test('reaches DynamoDB and S3 through gateway endpoints, and other services through interface endpoints if configured', () => {
      const servicesOf = (all: typeof ofMain, type: string) =>
        all('AWS::EC2::VPCEndpoint')
          .filter(({ Properties }) => Properties.VpcEndpointType === type)
          .map(({ Properties }) =>
            JSON.stringify(Properties.ServiceName).replace(/.*\.(?=[a-z0-9-]+(\.[a-z]+)?"\]?)/, ''),
          );
      for (const all of [ofMain, ofBlue]) expect(servicesOf(all, 'Gateway')).toHaveLength(2);
      expect(servicesOf(ofMain, 'Interface')).toEqual([]);
      const names = JSON.stringify(ofBlue('AWS::EC2::VPCEndpoint').map(({ Properties }) => Properties.ServiceName));
      for (const name of ['ecr.api', 'ecr.dkr', 'logs', 'sts', 'lambda', 'ecs', 'ecs-agent', 'ecs-telemetry']) {
        expect(names).toContain(`.${name}"`);
      }
      // Cognito's endpoint refuses user pools with a domain.
      expect(names).not.toContain('cognito');
      expect(servicesOf(ofBlue, 'Interface')).toHaveLength(8);
    });

    test('logs all traffic, for as long as configured', () => {
      for (const [all, days] of [
        [ofMain, 90],
        [ofBlue, 30],
      ] as const) {
        const [flow, ...others] = all('AWS::EC2::FlowLog');
        expect(others).toEqual([]);
        expect(flow?.Properties).toMatchObject({ ResourceType: 'VPC', TrafficType: 'ALL' });
        const log = all('AWS::Logs::LogGroup').find(({ id }) => id === flow?.Properties.LogGroupName.Ref);
        expect(log?.Properties.RetentionInDays).toBe(days);
      }
    });
  });

  describe('load balancers', () => {
    const attributesOf = ({ Properties }: TemplateResource, name: string): Record<string, unknown> =>
      Object.fromEntries(Properties[name].map(({ Key, Value }: Record<string, string>) => [Key, Value]));

    test('there is one per shard, internal, with access logs, and none passes on other spellings of headers', () => {
      for (const [all, shards] of [
        [ofMain, 1],
        [ofBlue, 10],
      ] as const) {
        const balancers = all('AWS::ElasticLoadBalancingV2::LoadBalancer');
        expect(balancers).toHaveLength(shards);
        for (const [i, one] of balancers.entries()) {
          expect(one.Properties).toMatchObject({ Scheme: 'internal', Type: 'application' });
          expect(attributesOf(one, 'LoadBalancerAttributes')).toMatchObject({
            'routing.http.drop_invalid_header_fields.enabled': 'true',
            'access_logs.s3.enabled': 'true',
            'access_logs.s3.prefix': `load-balancer-${i + 1}`,
          });
        }
      }
    });

    test('respond with 404 unless a rule matches', () => {
      for (const { Properties } of [
        ...ofMain('AWS::ElasticLoadBalancingV2::Listener'),
        ...ofBlue('AWS::ElasticLoadBalancingV2::Listener'),
      ]) {
        expect(Properties.DefaultActions).toMatchObject([
          {
            Type: 'fixed-response',
            FixedResponseConfig: { StatusCode: '404', MessageBody: '{"message":"Not Found"}' },
          },
        ]);
      }
    });

    test('speak TLS 1.3 where a certificate is configured', () => {
      const [plain] = ofMain('AWS::ElasticLoadBalancingV2::Listener');
      expect(plain?.Properties).toMatchObject({ Port: 80, Protocol: 'HTTP' });
      const secure = ofBlue('AWS::ElasticLoadBalancingV2::Listener').map(({ Properties }) => Properties);
      expect(secure).toHaveLength(10);
      for (const properties of secure) {
        expect(properties).toMatchObject({
          Port: 443,
          Protocol: 'HTTPS',
          Certificates: [{ CertificateArn: CERTIFICATE }],
        });
        expect(properties.SslPolicy).toMatch(/^ELBSecurityPolicy-TLS13-1-2-Res/);
      }
    });

    test('let pages of the app site, and of no other, read responses of services', () => {
      const [listener] = ofMain('AWS::ElasticLoadBalancingV2::Listener');
      const attributes = attributesOf(listener as TemplateResource, 'ListenerAttributes');
      const origin = attributes['routing.http.response.access_control_allow_origin.header_value'];
      expect(origin).toEqual(main.template('shared-infra-stack').Outputs.appSite.Value);
      expect(attributes['routing.http.response.access_control_expose_headers.header_value']).toContain('etag');
    });

    test('accept connections from API Gateway only, and connect to tasks only', () => {
      const inline = ofMain('AWS::EC2::SecurityGroup').flatMap(
        ({ Properties }) => Properties.SecurityGroupIngress ?? [],
      );
      expect(inline).toEqual([]);
      const [ingress, ...others] = ofMain('AWS::EC2::SecurityGroupIngress').map(({ Properties }) => Properties);
      expect(others).toEqual([]);
      const link = ofMain('AWS::ApiGatewayV2::VpcLink')[0]?.Properties.SecurityGroupIds[0];
      expect(ingress).toMatchObject({ FromPort: 80, ToPort: 80, SourceSecurityGroupId: link });
      const outbound = ofMain('AWS::EC2::SecurityGroup').flatMap(
        ({ Properties }) => Properties.SecurityGroupEgress ?? [],
      );
      expect(outbound.map(({ FromPort, ToPort }: Record<string, number>) => [FromPort, ToPort])).toEqual([
        [8080, 8080],
      ]);
    });
  });

  test('a second environment has other names', () => {
    const namesOf = (all: (type: string) => TemplateResource[]) =>
      [
        'AWS::ApiGateway::RestApi',
        'AWS::ApiGateway::UsagePlan',
        'AWS::ApiGatewayV2::VpcLink',
        'AWS::WAFv2::WebACL',
        'AWS::SNS::Topic',
        'AWS::Cognito::UserPool',
      ]
        .flatMap(all)
        .map(
          ({ Properties }) =>
            Properties.Name ?? Properties.UsagePlanName ?? Properties.TopicName ?? Properties.UserPoolName,
        );
    const names = namesOf(ofMain);
    expect(names).toHaveLength(9);
    for (const name of names) expect(name).toMatch(/^tierplane-main-/);
    expect(namesOf(ofBlue).filter((name) => !String(name).startsWith('tierplane-blue-'))).toEqual([]);
  });

  test('even the largest number of shards fits into a template', () => {
    const template = blue.template('shared-infra-stack-blue');
    expect(Object.keys(template.Resources).length).toBeLessThanOrEqual(500);
    expect(JSON.stringify(template).length).toBeLessThanOrEqual(1_000_000);
  });

  test('DE-2: every stack of the environment is synthesized at once; the time is printed', () => {
    process.stderr.write(`synthesis of everything took ${blue.cpuSeconds} s of processor time (goal: 6)\n`);
    const stacks = ['registry', 'shared-infra', 'controlplane', 'core-appplane'].map((name) => `${name}-stack-blue`);
    for (const stack of [...stacks, 'tenant-template-stack-basic-blue', 'tenant-template-stack-advanced-blue']) {
      expect(Object.keys(blue.template(stack).Resources)).not.toEqual([]);
    }
  });

  test('every alarm notifies a topic', () => {
    const alarms = ofMain('AWS::CloudWatch::Alarm');
    expect(alarms.length).toBeGreaterThanOrEqual(4);
    for (const { Properties } of alarms) expect(Properties.AlarmActions).toHaveLength(1);
  });

  test('has the outputs that scripts read', () => {
    const { Outputs } = main.template('shared-infra-stack');
    expect(Object.keys(Outputs)).toEqual(expect.arrayContaining(['restApi', 'adminSite', 'appSite']));
    expect(JSON.stringify(Outputs.restApi.Value)).toMatch(/execute-api.*\/prod"/);
  });

  test('breaks no rule of cdk-nag, and each suppression names a resource, a rule and a reason', () => {
    const rows = main.nagRows('shared-infra-stack');
    expect(rows.length).toBeGreaterThan(50);
    expect(rows.filter((row) => /"(Non-Compliant|UNKNOWN)"/.test(row))).toEqual([]);
    const suppressed = rows.filter((row) => row.includes('"Suppressed"')).map((row) => row.slice(1, -1).split('","'));
    for (const [, , , reason] of suppressed) expect(reason?.length).toBeGreaterThan(20);
    const rules = new Set(suppressed.map(([rule]) => rule?.replace('AwsSolutions-', '')));
    expect([...rules].toSorted()).toEqual(['APIG2', 'CFR1', 'CFR2', 'CFR4', 'COG2', 'COG4', 'COG8', 'IAM4', 'IAM5']);
  });
});
