import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { RESERVED_NAMES } from '../../core/tenant/reserved-names.ts';
import { readSettings, type Settings } from '../../infra/configuration.ts';
import { TIER_NAMES } from '../../tenant-templates/tiers.ts';

describe('the configuration of the AWS home', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tierplane-aws-json-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** The settings of a file with this content. @param context other values of the CDK context */
  function settingsOf(content: unknown, context: Readonly<Record<string, unknown>> = {}): Settings {
    const file = join(folder, 'aws.json');
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    const all: Readonly<Record<string, unknown>> = { configuration: file, ...context };
    return readSettings((key) => all[key]);
  }

  test('has a default for every key, so an empty file is valid', () => {
    const { configuration, ...settings } = settingsOf({});
    const options = { controlPlaneOnly: false, imageBuild: 'engine', nag: false };
    expect(settings).toEqual({ environmentName: 'main', release: '0.1.0', ...options });
    expect(configuration).toEqual({
      tags: { application: 'tierplane', team: 'platform', project: 'tierplane', owner: 'platform' },
      network: { availabilityZones: 3, egress: 'nat', natGateways: 1 },
      shards: 1,
      cpuArchitecture: 'ARM64',
      tiers: Object.fromEntries(
        TIER_NAMES.map((name) => [name, { packing: 'per-service', capacity: 'fargate', spotPercent: 0 }]),
      ),
      ec2: { maxInstances: 4 },
      logRetentionDays: 90,
      adminMfa: 'optional',
      ownPoolMfa: 'optional',
      reservedNames: [...RESERVED_NAMES],
      alarmEmails: { critical: [], warning: [] },
    });
  });

  test('keeps the defaults of the keys beside the one that is set', () => {
    const { configuration } = settingsOf({
      tags: { team: 'billing' },
      network: { natGateways: 3 },
      tiers: { basic: { spotPercent: 50 } },
    });
    expect(configuration.tags).toMatchObject({ team: 'billing', owner: 'platform' });
    expect(configuration.network).toEqual({ availabilityZones: 3, egress: 'nat', natGateways: 3 });
    expect(configuration.tiers.basic).toEqual({ packing: 'per-service', capacity: 'fargate', spotPercent: 50 });
  });

  test('reports all errors of the file and of the context at once, each with key, rule and value', () => {
    const wrong = {
      tags: { team: '', owner: 'aws:me' },
      network: { availabilityZones: 4, egress: 'vpn', natGateways: 0 },
      shards: 1.5,
      certificateArn: 'arn:aws:acm:us-east-1:1:certificate/1',
      logRetentionDays: 91,
      alarmEmails: { critical: ['nobody'] },
      tiers: { gold: {} },
      colour: 'blue',
    };
    const error = errorOf(() => settingsOf(wrong, { environment: 'No/Name', release: 'UPPER', mfa: 'perhaps' }));
    expect(error.code).toBe('CONFIG');
    const lines = error.message.split('\n').map((line) => line.trim());
    expect(lines[0]).toBe('invalid configuration of the AWS home (14 errors):');
    expect(lines.slice(1, -1).map((line) => line.split(':')[0])).toEqual([
      ...['environment', 'release', 'tags.team', 'tags.owner'],
      ...['network.availabilityZones', 'network.egress', 'network.natGateways', 'shards', 'certificateArn'],
      ...['tiers.gold', 'logRetentionDays', 'adminMfa', 'alarmEmails.critical.0', 'colour'],
    ]);
    expect(lines).toEqual(
      expect.arrayContaining([
        'network.availabilityZones: must be one of 2, 3, got 4',
        'network.natGateways: must be at least 1, got 0',
        'adminMfa: must be one of optional, required, got "perhaps"',
        'colour: unknown key',
      ]),
    );
  });

  test.each([
    [
      { network: { availabilityZones: 2, natGateways: 3 } },
      'network.natGateways: must not be greater than availabilityZones, got 3',
    ],
    [
      { certificateHost: 'lb.example.com' },
      'certificateHost: must be set together with certificateArn, got "lb.example.com"',
    ],
    [{ shards: 11 }, 'shards: must be at most 10, got 11'],
    [{ ec2: { instanceType: 'large' } }, 'ec2.instanceType: must be an instance type such as m7g.large, got "large"'],
    [{ reservedNames: [''] }, 'reservedNames.0: must not be empty, got ""'],
    ['[]', 'must be a JSON object, got []'],
    ['{', 'cannot read the configuration'],
  ])('refuses %j', (content, message) => {
    expect(errorOf(() => settingsOf(content)).message).toContain(message);
  });

  test('lets the context override the file', () => {
    const file = { adminMfa: 'optional', ownPoolMfa: 'optional', cpuArchitecture: 'ARM64', reservedNames: ['one'] };
    const context = { mfa: 'required', cpuArchitecture: 'X86_64', reservedNames: 'two, three', release: '2.0.0-rc.1' };
    const { configuration, release } = settingsOf(file, { ...context, environment: 'blue', nag: 'true' });
    expect(configuration).toMatchObject({
      adminMfa: 'required',
      cpuArchitecture: 'X86_64',
      reservedNames: ['two', 'three'],
    });
    expect(release).toBe('2.0.0-rc.1');
  });

  test('refuses a file that was named and does not exist', () => {
    const named = join(folder, 'absent.json');
    const error = errorOf(() => readSettings((key) => (key === 'configuration' ? named : undefined)));
    expect(error.message).toContain(named);
  });
});

function errorOf(call: () => unknown): Error & { readonly code?: string } {
  try {
    call();
  } catch (error) {
    return error as Error;
  }
  throw new Error('did not throw');
}
