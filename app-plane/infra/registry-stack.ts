import { CfnOutput, Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Repository, TagMutability, TagStatus } from 'aws-cdk-lib/aws-ecr';
import type { Construct } from 'constructs';
import { type PlatformProps, TierplaneStack } from '../../infra/tierplane-stack.ts';
import { SERVICES } from '../../tenant-templates/tiers.ts';
import { ImageBuild } from './image-build.ts';

/** The images of the application plane: one per service, and ingress. */
export const IMAGES = [...SERVICES, 'ingress'] as const;
export type ImageName = (typeof IMAGES)[number];

/** Releases that a repository keeps. Tenants run a release until they are updated. */
const KEPT_RELEASES = 100;

export interface RegistryProps extends PlatformProps {
  /** @default 'engine' */
  readonly imageBuild?: 'engine' | 'codebuild';
}

/** The repositories of the images. A stack of its own, because images are built before anything else is installed. */
export class RegistryStack extends TierplaneStack {
  readonly repositories: Readonly<Record<ImageName, Repository>>;

  /** @param props.imageBuild what builds the images: an engine of the installer's machine, or a project of CodeBuild */
  constructor(scope: Construct, { imageBuild, ...props }: RegistryProps) {
    super(scope, 'registry-stack', { ...props, description: "Container images of Tierplane's services" });
    const entries = IMAGES.map((name) => [name, this.#repository(name)] as const);
    this.repositories = Object.fromEntries(entries) as Record<ImageName, Repository>;
    if (imageBuild === 'codebuild') {
      const { cpuArchitecture } = this.configuration;
      const repositories = entries.map(([, repository]) => repository);
      new ImageBuild(this, 'ImageBuild', { prefix: this.prefix, cpuArchitecture, repositories });
    }
  }

  #repository(name: ImageName): Repository {
    const repository = new Repository(this, name, {
      repositoryName: `${this.prefix}/${name}`,
      imageScanOnPush: true,
      // A release never changes, so a task that is replaced runs what was tested.
      imageTagMutability: TagMutability.IMMUTABLE,
      removalPolicy: RemovalPolicy.RETAIN,
      lifecycleRules: [
        { description: 'Images without a tag', tagStatus: TagStatus.UNTAGGED, maxImageAge: Duration.days(7) },
        { description: 'Old releases', tagStatus: TagStatus.ANY, maxImageCount: KEPT_RELEASES },
      ],
    });
    new CfnOutput(this, `${name}Image`, { value: repository.repositoryUri, description: `Repository of ${name}` });
    return repository;
  }
}
