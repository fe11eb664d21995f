import { describe, expect, jest, test } from '@jest/globals';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { RegistryStack } from '../../../app-plane/infra/registry-stack.ts';
import { readSettings } from '../../../infra/configuration.ts';
import { SERVICES } from '../../../tenant-templates/tiers.ts';
import { Synthesized } from '../../support/synthesized.ts';

jest.setTimeout(60_000);

describe("the registry's stack", () => {
  const app = Synthesized.of('test/app-plane/infra/sites-app.ts', { nag: 'true' });
  const blue = Synthesized.of('test/app-plane/infra/sites-app.ts', { environment: 'blue' });
  const repositories = app.resources('registry-stack', 'AWS::ECR::Repository');

  test('has a repository for each service and for ingress, under the name that tasks pull from', () => {
    const names = [...SERVICES, 'ingress'].map((name) => `tierplane-main/${name}`);
    expect(repositories.map(({ Properties }) => Properties.RepositoryName)).toEqual(names);
    expect(app.resources('registry-stack')).toHaveLength(repositories.length);
  });

  test('never changes an image that has a tag, scans each one, and keeps the repositories', () => {
    for (const { Properties, DeletionPolicy } of repositories) {
      expect(DeletionPolicy).toBe('Retain');
      expect(Properties).toMatchObject({
        ImageTagMutability: 'IMMUTABLE',
        ImageScanningConfiguration: { ScanOnPush: true },
      });
    }
  });

  test('expires images without a tag, and keeps a hundred releases', () => {
    for (const { Properties } of repositories) {
      const { rules } = JSON.parse(Properties.LifecyclePolicy.LifecyclePolicyText);
      expect(rules.map(({ selection }: { selection: object }) => selection)).toEqual([
        { tagStatus: 'untagged', countType: 'sinceImagePushed', countNumber: 7, countUnit: 'days' },
        { tagStatus: 'any', countType: 'imageCountMoreThan', countNumber: 100 },
      ]);
    }
  });

  test('has outputs with the address of each repository', () => {
    const { Outputs } = app.template('registry-stack');
    expect(Object.keys(Outputs)).toEqual([...SERVICES, 'ingress'].map((name) => `${name}Image`));
  });

  test('has names that allow a second environment, the tags of all stacks, and breaks no rule of cdk-nag', () => {
    const second = blue.resources('registry-stack-blue', 'AWS::ECR::Repository');
    expect(second.map(({ Properties }) => Properties.RepositoryName)).toContain('tierplane-blue/orders');
    const tags = ['Application', 'Environment', 'Owner', 'Project', 'Team'];
    for (const { Properties } of second) {
      expect(Properties.Tags.map(({ Key }: { Key: string }) => Key)).toEqual(expect.arrayContaining(tags));
    }
    expect(app.nagRows('registry-stack').filter((row) => row.includes('"Non-Compliant"'))).toEqual([]);
  });
});

test('a CodeBuild project builds the images, for the configured architecture, only where it is asked for', () => {
  const projectsOf = (imageBuild?: 'engine' | 'codebuild', overrides: Record<string, string> = {}) => {
    const { configuration } = readSettings((key) => overrides[key]);
    const stack = new RegistryStack(new App(), {
      environmentName: 'blue',
      configuration,
      ...(imageBuild && { imageBuild }),
    });
    return Object.values(Template.fromStack(stack).findResources('AWS::CodeBuild::Project'));
  };
  expect(projectsOf()).toEqual([]);
  const [arm] = projectsOf('codebuild');
  expect(arm?.Properties).toMatchObject({
    Name: 'tierplane-blue-images',
    Environment: { Type: 'ARM_CONTAINER', PrivilegedMode: true },
  });
  expect(JSON.stringify(arm?.Properties.Source)).toContain('--file services/Dockerfile --build-arg SERVICE=$image');
  const [intel] = projectsOf('codebuild', { cpuArchitecture: 'X86_64' });
  expect(intel?.Properties.Environment.Type).toBe('LINUX_CONTAINER');
});
