import { describe, expect, test } from '@jest/globals';
import { parametersOf } from '../../../../adapters/aws/runtime/deployment-template.ts';
import { synthesizeSiloTemplates } from '../../../../app-plane/infra/tenant-stacks/release.ts';
import {
  type SiloTemplate,
  type SiloTemplateOptions,
  siloTemplate,
} from '../../../../app-plane/infra/tenant-stacks/silo-parameters.ts';
import { deploymentIdOf } from '../../../../core/plan/deployment.ts';
import { placeOf } from '../../../../core/plan/place.ts';
import type { DeploymentSpec } from '../../../../core/ports/runtime.ts';
import { SERVICES, TIERS } from '../../../../tenant-templates/tiers.ts';
import { configurationOf, manifestOf, type Parsed, parse } from './templates.ts';

const TENANT = 'acme0000';
const ISSUER = 'https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Abc';
const ARN = 'arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/shard-1/a1b2/c3d4';

const texts = synthesizeSiloTemplates({
  ...{ environmentName: 'main', configuration: configurationOf({ tiers: { premium: { capacity: 'ec2' } } }) },
});
const named = (name: string): Parsed => parse(texts[name] ?? '{}');

const specOf = (change: Partial<DeploymentSpec> = {}): DeploymentSpec => ({
  ...{ id: deploymentIdOf(TENANT), cluster: 'shared', tenantId: TENANT, tier: 'advanced' },
  ...{ size: TIERS.advanced.task, services: SERVICES, release: '1.0.0' },
  environment: { TIERPLANE_ISSUERS: JSON.stringify([{ issuer: ISSUER, realm: 'pool', clientIds: ['c1', 'c2'] }]) },
  place: { ...placeOf(TENANT, TIERS.advanced), shard: { number: 1, priority: 100 } },
  ...change,
});
const options: SiloTemplateOptions = {
  manifest: manifestOf(texts),
  network: {
    ...{ vpcId: 'vpc-1', subnetIds: ['subnet-1', 'subnet-2', 'subnet-3'] },
    shards: [{ number: 1, listenerArn: ARN, securityGroupId: 'sg-1' }],
  },
  cpuArchitecture: 'ARM64',
  usersFunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:tenant-users',
  alarmTopicArn: 'arn:aws:sns:us-east-1:123456789012:critical',
  tiers: configurationOf().tiers,
};

describe('the parameters of a deployment', () => {
  const template: SiloTemplate = siloTemplate(options);
  const valuesOf = (spec: DeploymentSpec) => parametersOf(template, template.variantOf(spec), spec);

  test.each<[string, Partial<DeploymentSpec>, string]>([
    ['of the shared cluster', {}, 'silo-service-per-service'],
    ['in one task', { packing: 'one-task' }, 'silo-service-one-task'],
    ['of its own cluster', { cluster: deploymentIdOf(TENANT) as 'shared' }, 'silo-cluster-per-service'],
    ['on EC2', { capacity: 'ec2' }, 'silo-service-per-service-ec2'],
  ])('%s are exactly those of its template, and match their patterns', (_what, change, name) => {
    const spec = specOf(change);
    const { source, desiredCounts, patterns } = template.variantOf(spec);
    expect(source).toEqual({ TemplateURL: `https://b/${name}` });
    const values = valuesOf(spec);
    const given = [...Object.keys(values), ...new Set(Object.values(desiredCounts))];
    expect(given.sort()).toEqual(Object.keys(named(name).Parameters).sort());
    for (const [key, pattern] of Object.entries(patterns)) {
      expect(new RegExp(named(name).Parameters[key]?.AllowedPattern ?? '')).toEqual(pattern);
    }
  });

  test('follow the tier: two tasks at least, a size that Fargate has, spare capacity as configured', () => {
    expect(valuesOf(specOf())).toMatchObject({
      ...{ MinTasks: '2', MaxTasks: '4', Cpu: '256', Memory: '512', FargateWeight: '100', SpotWeight: '0' },
      ...{ Realm: 'pool', ClientIds: 'c1,c2', Shard: '1', Priority: '100', SubnetIds: 'subnet-1,subnet-2,subnet-3' },
    });
    const spot = siloTemplate({
      ...options,
      tiers: configurationOf({ tiers: { advanced: { spotPercent: 70 } } }).tiers,
    });
    expect(spot.valuesOf(specOf())).toMatchObject({ FargateWeight: '30', SpotWeight: '70' });
    const big = specOf({ size: TIERS.premium.task, packing: 'one-task' });
    expect(valuesOf(big)).toMatchObject({ Cpu: '512', Memory: '1024' });
  });

  test.each<[string, Partial<DeploymentSpec>, string]>([
    ['a release that is a command', { release: '1.0.0; id' }, 'parameter Release must match'],
    ['no issuer', { environment: {} }, 'parameter Issuer must match'],
    ['an issuer that is no JSON', { environment: { TIERPLANE_ISSUERS: '{' } }, 'parameter Issuer must match'],
    [
      'two issuers',
      { environment: { TIERPLANE_ISSUERS: JSON.stringify([1, 2].map(() => ({ issuer: ISSUER, clientIds: ['c'] }))) } },
      'parameter Issuer must match',
    ],
    [
      'a client that ends the JSON text',
      { environment: { TIERPLANE_ISSUERS: JSON.stringify([{ issuer: ISSUER, clientIds: ['c"]},{'] }]) } },
      'parameter ClientIds must match',
    ],
    [
      'an issuer elsewhere',
      { environment: { TIERPLANE_ISSUERS: JSON.stringify([{ issuer: 'https://evil', clientIds: ['c'] }]) } },
      'parameter Issuer must match',
    ],
    [
      'a shard that does not exist',
      { place: { ...placeOf(TENANT, TIERS.advanced), shard: { number: 9, priority: 1 } } },
      'parameter ListenerArn must match',
    ],
    [
      'no priority',
      { place: { ...placeOf(TENANT, TIERS.advanced), shard: { number: 1 } } },
      'parameter Priority must match',
    ],
    ['other services', { services: ['orders'] }, 'services of deployment'],
  ])('SE-1.11: are refused with %s', (_what, change, message) => {
    expect(() => valuesOf(specOf(change))).toThrow(
      expect.objectContaining({ code: 'INVALID', message: expect.stringContaining(message) }),
    );
  });

  test('are only those that the template of an earlier release has', () => {
    const name = 'silo-service-per-service';
    const parameters = Object.keys(named(name).Parameters).filter((one) => one !== 'AlarmTopicArn');
    const earlier = siloTemplate({
      ...options,
      manifest: { templates: { [name]: { url: 'https://b/old', parameters } } },
    });
    const spec = specOf();
    const values = parametersOf(earlier, earlier.variantOf(spec), spec);
    expect(Object.keys(valuesOf(spec))).toContain('AlarmTopicArn');
    expect(Object.keys(values)).toEqual(Object.keys(valuesOf(spec)).filter((one) => one !== 'AlarmTopicArn'));
  });

  test('are refused for EC2 where the installation does not offer it', () => {
    const { templates: published } = options.manifest;
    const fargate = Object.fromEntries(Object.entries(published).filter(([name]) => !name.endsWith('-ec2')));
    const without = siloTemplate({ ...options, manifest: { templates: fargate } });
    expect(() => without.variantOf(specOf({ capacity: 'ec2' }))).toThrow(
      expect.objectContaining({
        code: 'INVALID',
        message: expect.stringContaining("got 'silo-service-per-service-ec2'"),
      }),
    );
  });
});
