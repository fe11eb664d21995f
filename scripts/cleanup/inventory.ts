import {
  type CloudFormationClient,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  ListStackResourcesCommand,
  ListStacksCommand,
} from '@aws-sdk/client-cloudformation';

/** A stack that the installation created. */
export interface OwnStack {
  readonly id: string;
  readonly name: string;
  /** Whether it exists; the others were deleted within the last 90 days and may have left resources. */
  readonly exists: boolean;
  readonly isProtected: boolean;
  /** Whether its creation failed and was rolled back. */
  readonly isRolledBack: boolean;
}

/** A resource of such a stack. */
export interface OwnResource {
  /** Such as `AWS::S3::Bucket`. */
  readonly type: string;
  readonly id: string;
}

/** Stacks in the order of their deletion. Those of one group do not depend on each other. */
const ORDER: readonly (readonly string[])[] = [
  ['core-appplane-stack'],
  ['controlplane-stack'],
  ['tenant-template-stack-advanced', 'tenant-template-stack-basic'],
  ['shared-infra-stack'],
  ['registry-stack'],
];
const TAG = 'tierplane:environment';

/** The stacks of one environment. Stacks of other applications may have the same names, so the tags decide. */
export class Inventory {
  readonly #client: CloudFormationClient;
  readonly #environment: string;

  constructor(client: CloudFormationClient, environment: string) {
    this.#client = client;
    this.#environment = environment;
  }

  /** Groups of stacks in the order of their deletion, existing and deleted ones. */
  async stacks(): Promise<OwnStack[][]> {
    const groups = new Map<number, OwnStack[]>();
    for (const { id, name } of await this.#candidates()) {
      const rank = this.#rankOf(name);
      const stack = rank === undefined ? undefined : await this.#ownStack(id, rank < 2);
      if (rank !== undefined && stack) groups.set(rank, [...(groups.get(rank) ?? []), stack]);
    }
    return [...groups].sort(([a], [b]) => a - b).map(([, stacks]) => stacks);
  }

  /** The resources of an existing stack. */
  async resources(stack: OwnStack): Promise<OwnResource[]> {
    const found: OwnResource[] = [];
    let NextToken: string | undefined;
    do {
      const page = await this.#client.send(new ListStackResourcesCommand({ StackName: stack.id, NextToken }));
      for (const { ResourceType: type = '', PhysicalResourceId: id, ResourceStatus } of page.StackResourceSummaries ??
        []) {
        if (id && ResourceStatus !== 'DELETE_COMPLETE') found.push({ type, id });
      }
      NextToken = page.NextToken;
    } while (NextToken);
    return found;
  }

  /** What the deletion of a stack, or an update of it, left because it is retained. */
  async retained(stack: OwnStack): Promise<OwnResource[]> {
    const found = new Map<string, OwnResource>();
    let NextToken: string | undefined;
    do {
      const page = await this.#client.send(new DescribeStackEventsCommand({ StackName: stack.id, NextToken }));
      for (const { ResourceStatus, ResourceType: type = '', PhysicalResourceId: id } of page.StackEvents ?? []) {
        if (ResourceStatus === 'DELETE_SKIPPED' && id) found.set(`${type} ${id}`, { type, id });
      }
      NextToken = page.NextToken;
    } while (NextToken);
    return [...found.values()];
  }

  /** Stacks whose names are those of this environment. */
  async #candidates(): Promise<{ id: string; name: string }[]> {
    const found: { id: string; name: string }[] = [];
    let NextToken: string | undefined;
    do {
      const page = await this.#client.send(new ListStacksCommand({ NextToken }));
      for (const { StackId: id = '', StackName: name = '' } of page.StackSummaries ?? []) {
        if (this.#rankOf(name) !== undefined) found.push({ id, name });
      }
      NextToken = page.NextToken;
    } while (NextToken);
    return found;
  }

  /** The place in the order of deletion: first deployments and data of tenants; undefined for another's stack. */
  #rankOf(name: string): number | undefined {
    const ofTenant = new RegExp(`^tierplane-${this.#environment}-silo-(data-)?[a-z0-9]{8,26}$`).exec(name);
    if (ofTenant) return ofTenant[1] === undefined ? 0 : 1;
    const suffix = this.#environment === 'main' ? '' : `-${this.#environment}`;
    const rank = ORDER.findIndex((names) => names.some((one) => name === `${one}${suffix}`));
    return rank < 0 ? undefined : rank + 2;
  }

  async #ownStack(StackName: string, isTenants: boolean): Promise<OwnStack | undefined> {
    const { Stacks: [stack] = [] } = await this.#client.send(new DescribeStacksCommand({ StackName }));
    const tags = new Map((stack?.Tags ?? []).map(({ Key, Value }) => [Key, Value]));
    const isOwn = isTenants ? tags.has('TenantId') : tags.get(TAG) === this.#environment;
    if (!stack || !isOwn) return undefined;
    return {
      id: stack.StackId ?? StackName,
      name: stack.StackName ?? StackName,
      exists: stack.StackStatus !== 'DELETE_COMPLETE',
      isProtected: stack.EnableTerminationProtection === true,
      isRolledBack: /^ROLLBACK_(COMPLETE|FAILED)$/.test(stack.StackStatus ?? ''),
    };
  }
}
