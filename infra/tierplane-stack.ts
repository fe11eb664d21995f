import { Stack, type StackProps, Tags } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Configuration } from './configuration.ts';

/** What every stack is made from. */
export interface PlatformProps {
  /** `main`, or the name of another environment in the account. */
  readonly environmentName: string;
  readonly configuration: Configuration;
}

export interface TierplaneStackProps extends PlatformProps, Omit<StackProps, 'tags' | 'stackName'> {
  /** What the stack is for, in one sentence. */
  readonly description: string;
  /** The tenant that the stack belongs to, which may be parameters. @default - the stack belongs to the platform */
  readonly tenant?: { readonly tenantId: string; readonly tier: string };
}

/** Stacks have no tags from parameters. CloudFormation knows those only when it creates the stack. */
const ONLY_RESOURCES = { excludeResourceTypes: ['aws:cdk:stack'] };

/** A stack with the description and the tags that all stacks have. */
export abstract class TierplaneStack extends Stack {
  readonly environmentName: string;
  /** `tierplane-<environment>`: the beginning of every name that must be unique in the account. */
  readonly prefix: string;
  readonly configuration: Configuration;

  /** @param name the stack's name in the environment `main`; other environments add theirs */
  constructor(scope: Construct, name: string, props: TierplaneStackProps) {
    const { environmentName, configuration, tenant, ...stackProps } = props;
    super(scope, stackName(name, environmentName), stackProps);
    this.environmentName = environmentName;
    this.prefix = `tierplane-${environmentName}`;
    this.configuration = configuration;
    const { application, team, project, owner } = configuration.tags;
    const tags = { Environment: environmentName, Application: application, Team: team, Project: project, Owner: owner };
    for (const [key, value] of Object.entries(tags)) Tags.of(this).add(key, value);
    // By this tag scripts/cleanup/cleanup.sh knows what the installation created. The others are the user's to choose.
    Tags.of(this).add('tierplane:environment', environmentName);
    if (!tenant) return;
    Tags.of(this).add('TenantId', tenant.tenantId, ONLY_RESOURCES);
    Tags.of(this).add('Tier', tenant.tier, ONLY_RESOURCES);
  }
}

/** The name of a stack: `<name>` in the environment `main`, else `<name>-<environment>`. */
export function stackName(name: string, environmentName: string): string {
  return environmentName === 'main' ? name : `${name}-${environmentName}`;
}
