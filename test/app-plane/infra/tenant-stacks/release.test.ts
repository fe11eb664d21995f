import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Release, synthesizeSiloTemplates } from '../../../../app-plane/infra/tenant-stacks/release.ts';
import { tenantBoundary } from '../../../../app-plane/infra/tenant-stacks/tenant-boundary.ts';
import { SERVICES } from '../../../../tenant-templates/tiers.ts';
import { configurationOf, parse, statementsOf } from './templates.ts';

const folder = mkdtempSync(join(tmpdir(), 'tierplane-release-'));
afterAll(() => rmSync(folder, { recursive: true }));
const PROPS = { environmentName: 'main', configuration: configurationOf() };

test('a release publishes its templates as assets with their digests, and names them and the images in manifest.json', () => {
  const app = new App({ outdir: folder, builtinCloudFormationValidation: false });
  const stack = new Stack(app, 'stack');
  const release = new Release(stack, { ...PROPS, release: '2.0.0' });
  const { templates, images } = release.manifest;
  expect(Object.keys(templates)).toHaveLength(5);
  expect(Object.keys(images)).toEqual([...SERVICES, 'ingress']);
  const json = JSON.stringify(stack.resolve(release.manifestJson));
  expect(json.length).toBeLessThan(3_000);
  app.synth();
  const digests = readdirSync(folder)
    .filter((name) => name.startsWith('asset.') && name.endsWith('.json'))
    .map((name) =>
      createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex'),
    );
  for (const { sha256 } of Object.values(templates)) expect(digests).toContain(sha256);
  const manifest = JSON.parse(readFileSync(join(folder, 'silo-templates', 'manifest.json'), 'utf8'));
  expect(manifest).toMatchObject({ release: '2.0.0', images: { orders: 'tierplane-main/orders:2.0.0' } });
  expect(Object.keys(manifest.templates)).toEqual(Object.keys(templates));
});

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
