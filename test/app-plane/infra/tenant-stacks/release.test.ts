import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Bucket, type IBucket } from 'aws-cdk-lib/aws-s3';
import { Release, synthesizeSiloTemplates } from '../../../../app-plane/infra/tenant-stacks/release.ts';
import { tenantBoundary } from '../../../../app-plane/infra/tenant-stacks/tenant-boundary.ts';
import { SERVICES } from '../../../../tenant-templates/tiers.ts';
import { configurationOf, parse, statementsOf } from './templates.ts';

const folder = mkdtempSync(join(tmpdir(), 'tierplane-release-'));
afterAll(() => rmSync(folder, { recursive: true }));
const PROPS = { environmentName: 'main', configuration: configurationOf() };

test('a release copies its templates into the bucket of releases, and lists them and the images in manifest.json', () => {
  const app = new App({ outdir: folder, builtinCloudFormationValidation: false });
  const stack = new Stack(app, 'stack');
  const bucket = new Bucket(stack, 'Bucket') as IBucket;
  const { reference, objects } = new Release(stack, { ...PROPS, release: '2.0.0', bucket });
  expect(stack.resolve(objects)).toEqual({
    'Fn::Join': ['', [{ 'Fn::GetAtt': [expect.any(String), 'Arn'] }, '/releases/*']],
  });
  const written = callsOf(stack);
  const text = written.find(({ action }) => action === 'putObject')?.parameters.Body;
  expect(JSON.stringify(stack.resolve(reference))).toContain(sha256Of(text));
  const manifest = JSON.parse(text);
  expect(manifest.release).toBe('2.0.0');
  expect(manifest.images.orders).toBe('tierplane-main/orders:2.0.0');
  expect(Object.keys(manifest.images)).toEqual([...SERVICES, 'ingress']);
  const templates = Object.entries<{ key: string; sha256: string; parameters: string[] }>(manifest.templates);
  expect(templates).toHaveLength(5);
  app.synth();
  const digests = readdirSync(folder)
    .filter((name) => name.startsWith('asset.') && name.endsWith('.json'))
    .map((name) => sha256Of(readFileSync(join(folder, name), 'utf8')));
  for (const [name, { key, sha256, parameters }] of templates) {
    expect(key).toBe(`releases/2.0.0/${name}-${sha256}.json`);
    expect(digests).toContain(sha256);
    expect(parameters).toContain('TenantId');
  }
  const copied = written.filter(({ action }) => action === 'copyObject').map(({ parameters }) => parameters.Key);
  expect(copied.sort()).toEqual(templates.map(([, { key }]) => key).sort());
});

/** What the custom resources of the stack do when it is deployed. Values that are known only then are left out. */
function callsOf(stack: Stack) {
  const resources = Object.values(Template.fromStack(stack).findResources('Custom::AWS'));
  return resources.map(({ Properties }) => {
    const [, parts] = Properties.Create['Fn::Join'];
    return JSON.parse(parts.map((part: unknown) => (typeof part === 'string' ? part : '')).join(''));
  });
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

test('SE-2: the boundary of tenants covers what their roles need, and no wildcard action', () => {
  const stack = new Stack(new App({ builtinCloudFormationValidation: false }), 'boundary');
  tenantBoundary(stack, 'tierplane-main', 'arn:aws:lambda:us-east-1:123456789012:function:tenant-users');
  const boundary = parse(JSON.stringify(Template.fromStack(stack).toJSON()));
  const covered = statementsOf(boundary).flatMap(({ Action }) => Action);
  expect(covered.filter((action: string) => action.includes('*'))).toEqual([]);
  const needed = Object.values(synthesizeSiloTemplates(PROPS)).flatMap((text) =>
    statementsOf(parse(text)).flatMap(({ Action }) => Action),
  );
  // The managed policy of instances, without what only a default cluster or Windows needs.
  needed.push('ecs:RegisterContainerInstance', 'ecs:Poll', 'ecs:SubmitTaskStateChange', 'ecs:DiscoverPollEndpoint');
  expect(needed.length).toBeGreaterThan(50);
  expect([...new Set(needed)].filter((action) => !covered.includes(action))).toEqual([]);
});
