import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duration, IgnoreMode, Stack } from 'aws-cdk-lib';
import {
  BuildSpec,
  ComputeType,
  LinuxArmBuildImage,
  LinuxBuildImage,
  Project,
  Source,
} from 'aws-cdk-lib/aws-codebuild';
import type { IRepository } from 'aws-cdk-lib/aws-ecr';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { NagSuppressions } from 'cdk-nag';
import { Construct } from 'constructs';

const ROOT = join(import.meta.dirname, '..', '..');
const TIMEOUT_MINUTES = 60;

export interface ImageBuildProps {
  /** `tierplane-<environment>`: beginning of the names of the project and of the repositories. */
  readonly prefix: string;
  readonly cpuArchitecture: 'ARM64' | 'X86_64';
  readonly repositories: readonly IRepository[];
}

/**
 * A CodeBuild project that builds the images from these sources, where no container engine is available. `IMAGES` (names,
 * separated by spaces) and `RELEASE` (the tag) are variables of a build.
 */
export class ImageBuild extends Construct {
  constructor(scope: Construct, id: string, { prefix, cpuArchitecture, repositories }: ImageBuildProps) {
    super(scope, id);
    const sources = new Asset(this, 'Sources', {
      path: ROOT,
      exclude: ignored(),
      ignoreMode: IgnoreMode.DOCKER,
    });
    const project = new Project(this, 'Project', {
      projectName: `${prefix}-images`,
      description: 'Builds the images of services and ingress',
      // CDK declares its classes without exact optional properties, so they do not match its own interfaces.
      source: Source.s3({ bucket: sources.bucket as IBucket, path: sources.s3ObjectKey }),
      environment: {
        buildImage:
          cpuArchitecture === 'ARM64'
            ? LinuxArmBuildImage.AMAZON_LINUX_2023_STANDARD_3_0
            : LinuxBuildImage.AMAZON_LINUX_2023_5,
        computeType: ComputeType.MEDIUM,
        privileged: true,
      },
      timeout: Duration.minutes(TIMEOUT_MINUTES),
      buildSpec: BuildSpec.fromObjectToYaml(buildSpec(Stack.of(this), prefix)),
    });
    for (const repository of repositories) repository.grantPullPush(project);
    NagSuppressions.addResourceSuppressions(project, [
      { id: 'AwsSolutions-CB3', reason: 'Docker runs inside the build, which needs the privileged mode' },
      {
        id: 'AwsSolutions-CB4',
        reason: 'The project has no artifacts; the images are encrypted in their repositories',
      },
    ]);
  }
}

/** Files that a build does not need, and that are not uploaded. */
function ignored(): string[] {
  const lines = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n');
  return [...lines.filter((line) => line !== '' && !line.startsWith('#')), 'cdk.out'];
}

function buildSpec({ account, region, urlSuffix }: Stack, prefix: string): Record<string, unknown> {
  const registry = `${account}.dkr.ecr.${region}.${urlSuffix}`;
  const tag = `${registry}/${prefix}/$image:$RELEASE`;
  return {
    version: 0.2,
    env: { shell: 'bash' },
    phases: {
      build: {
        commands: [
          'set -euo pipefail',
          `aws ecr get-login-password | docker login --username AWS --password-stdin ${registry}`,
          [
            'for image in $IMAGES; do',
            `  docker build --file services/Dockerfile --build-arg SERVICE=$image --tag ${tag} .`,
            `  docker push ${tag}`,
            'done',
          ].join('\n'),
        ],
      },
    },
  };
}
