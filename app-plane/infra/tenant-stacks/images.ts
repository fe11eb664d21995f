import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { IMAGES } from '../registry-stack.ts';

/** The repository of an image, in the account of the stack: `<prefix>/<image>`. */
function repositoryName(prefix: string, image: string): string {
  return `${prefix}/${image}`;
}

/** The images of a release, by name. @param release the images' tag */
export function imagesOf(scope: Construct, prefix: string, release: string): Record<string, string> {
  const { account, region, urlSuffix } = Stack.of(scope);
  const registry = `${account}.dkr.ecr.${region}.${urlSuffix}`;
  return Object.fromEntries(IMAGES.map((image) => [image, `${registry}/${repositoryName(prefix, image)}:${release}`]));
}

/** The ARNs of the repositories, by which ECS may pull images. */
export function repositoryArns(scope: Construct, prefix: string): string[] {
  return IMAGES.map((image) =>
    Stack.of(scope).formatArn({ service: 'ecr', resource: 'repository', resourceName: repositoryName(prefix, image) }),
  );
}
