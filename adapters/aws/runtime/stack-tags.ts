import type { Stack, Tag } from '@aws-sdk/client-cloudformation';
import type { ClusterId } from '../../../core/ports/places.ts';
import type { DeploymentId, DeploymentSpec } from '../../../core/ports/runtime.ts';

/** Keys of a stack's tags. CloudFormation restores them when it rolls back an update. */
export const TAG = {
  deployment: 'tierplane:deployment',
  cluster: 'tierplane:cluster',
  release: 'tierplane:release',
  /** The fingerprint of template and parameters. */
  spec: 'tierplane:spec',
  /** Most tasks of a service. */
  max: 'tierplane:max-tasks',
} as const;

export function tagsOf({ id, cluster, tenantId, tier, release, size }: DeploymentSpec, fingerprint: string): Tag[] {
  const values = {
    [TAG.deployment]: id,
    [TAG.cluster]: cluster,
    [TAG.release]: release,
    [TAG.spec]: fingerprint,
    [TAG.max]: String(size.max),
    Tier: tier,
    ...(tenantId !== null && { TenantId: tenantId }),
  };
  return Object.entries(values).map(([Key, Value]) => ({ Key, Value }));
}

export function tagOf({ Tags = [] }: Stack, key: string): string | undefined {
  return Tags.find(({ Key }) => Key === key)?.Value;
}

export function isDeployment(stack: Stack): boolean {
  return tagOf(stack, TAG.deployment) !== undefined && stack.StackStatus !== 'DELETE_COMPLETE';
}

export function idOf(stack: Stack): DeploymentId {
  return tagOf(stack, TAG.deployment) as DeploymentId;
}

export function clusterOf(stack: Stack): ClusterId {
  return (tagOf(stack, TAG.cluster) ?? 'shared') as ClusterId;
}
