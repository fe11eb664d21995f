import type { CloudFormationClient, Stack } from '@aws-sdk/client-cloudformation';
import { DeleteTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DomainError } from '../../../core/errors.ts';
import type { Clock, RandomBytes } from '../../../core/ports/clock.ts';
import type { Table, Write } from '../../../core/ports/table.ts';
import { keyOf, MAX_WRITES } from '../../../core/ports/table-rules.ts';
import type { TenantData } from '../../../core/ports/tenant-data.ts';
import type { MaybePending, Pending } from '../../../core/progress/pending.ts';
import { closing } from '../../../core/tenant/closed.ts';
import { requireTenantId } from '../../../core/tenant/ids.ts';
import type { TierName } from '../../../core/tier/tiers.ts';
import { asDomainError } from '../store/errors.ts';
import { openTable } from '../store/table.ts';
import { dataStackName, hasData, pooledKeys } from './data-presence.ts';
import type { TemplateVariant } from './deployment-template.ts';
import { phaseOf, waitingFor } from './stack-phase.ts';
import { Stacks, type StacksOptions } from './stacks.ts';

/** The template of a tenant's tables. */
export interface DataTemplate {
  readonly source: TemplateVariant['source'];
  /** The values of its parameters. */
  valuesOf(tenantId: string, tier: TierName): Readonly<Record<string, string>>;
}

export interface TenantDataOptions extends StacksOptions {
  readonly cloudFormation: CloudFormationClient;
  readonly dynamo: DynamoDBClient;
  /** The tables of a silo tenant, which the template retains. */
  readonly template: DataTemplate;
  /** Stacks are called `<prefix>-silo-data-<tenant id>`, apart from those of deployments: no failed update touches data. */
  readonly prefix: string;
  /** Names of the pooled tables. Each has the shape of `pooledTableShape`. */
  readonly pooledTables: readonly string[];
  /** Whether services of the tenant run. */
  readonly hasServices: (tenantId: string) => Promise<boolean>;
  /** The role with which CloudFormation creates the tables. @default - the caller's own rights */
  readonly roleArn?: string;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

const LOOK_AGAIN_MS = 5_000;
/** How long after the mark an item that was written just before it may appear in the index, in milliseconds. */
const APPEAR_WITHIN_MS = 5_000;
/** Pooled items that one call deletes: a call returns within seconds. */
const ITEMS_PER_CALL = 20 * MAX_WRITES;

interface PooledTable {
  readonly name: string;
  readonly table: Table;
}

/**
 * The TenantData port on AWS: a stack with a silo tenant's tables, which is protected until `delete`, and items in pooled
 * tables, found by an index.
 */
export class StackTenantData implements TenantData {
  readonly #options: TenantDataOptions;
  readonly #stacks: Stacks;
  readonly #pooled: readonly PooledTable[];

  constructor(options: TenantDataOptions) {
    const { dynamo: client, clock, random, pooledTables } = options;
    this.#options = options;
    this.#stacks = new Stacks(options.cloudFormation, options);
    this.#pooled = pooledTables.map((name) => ({ name, table: openTable({ client, tableName: name, clock, random }) }));
  }

  async ensure(tenantId: string, tier: TierName): Promise<MaybePending> {
    const { template, roleArn } = this.#options;
    const StackName = this.#nameOf(tenantId);
    const stack = await this.#stacks.find(StackName);
    if (!stack) {
      const waiting = await this.#stacks.create({
        ...template.source,
        StackName,
        Parameters: Object.entries(template.valuesOf(tenantId, tier)).map(([ParameterKey, ParameterValue]) => ({
          ...{ ParameterKey, ParameterValue },
        })),
        Tags: [
          { Key: 'TenantId', Value: tenantId },
          { Key: 'Tier', Value: tier },
        ],
        EnableTerminationProtection: true,
        ...(roleArn !== undefined && { RoleARN: roleArn }),
      });
      return pendingOn(waiting);
    }
    const phase = phaseOf(stack);
    if (phase === 'working') return pendingOn(waitingFor(stack, true));
    if (phase === 'created' || phase === 'update rolled back') return undefined;
    throw await this.#failureOf(stack);
  }

  has(tenantId: string): Promise<boolean> {
    return hasData(tenantId, { ...this.#options, stacks: this.#stacks });
  }

  async delete(tenantId: string): Promise<MaybePending> {
    const StackName = this.#nameOf(tenantId);
    if (await this.#options.hasServices(tenantId)) {
      throw new DomainError('CONFLICT', `data of tenant ${tenantId} cannot be deleted while its services run`);
    }
    let left = ITEMS_PER_CALL;
    for (const pooled of this.#pooled) left -= await this.#deleteItems(pooled, tenantId, left);
    if (left <= 0) return { pending: 'its pooled items are being deleted', lookAgainMs: 0 };
    const stack = await this.#stacks.find(StackName);
    if (stack) return await this.#deleteStack(stack, StackName);
    const mayAppearForMs = await this.#mayAppearForMs(tenantId);
    if (mayAppearForMs > 0) return { pending: 'its last writes may still appear', lookAgainMs: mayAppearForMs };
  }

  async close(tenantId: string): Promise<void> {
    requireTenantId(tenantId);
    const mark = closing(tenantId, this.#options.clock.now());
    // The mark keeps the time at which it was put first: `delete` waits from then on.
    for (const { table } of this.#pooled) if (!(await table.get(keyOf(mark)))) await table.transact([mark]);
  }

  /** Throws INVALID. */
  #nameOf(tenantId: string): string {
    return dataStackName(this.#options.prefix, tenantId);
  }

  /** How long items that were written before the tenant was closed may still appear, in ms; 0 if it is not closed. */
  async #mayAppearForMs(tenantId: string): Promise<number> {
    const now = this.#options.clock.now();
    const mark = closing(tenantId, now);
    let ms = 0;
    for (const { table } of this.#pooled) {
      const found = await table.get(keyOf(mark));
      const closedAt = now - ((expiryOf(mark) ?? 0) - (found?.expiresAt ?? 0)) * 1000;
      if (found) ms = Math.max(ms, closedAt + APPEAR_WITHIN_MS - now);
    }
    return ms;
  }

  /** The stack retains its tables, so they go first: the stack lists them as long as any is left. */
  async #deleteStack(stack: Stack, StackName: string): Promise<Pending> {
    if (phaseOf(stack) === 'working') return pendingOn(waitingFor(stack, true));
    for (const { ResourceType, PhysicalResourceId } of await this.#stacks.resources(StackName)) {
      if (ResourceType === 'AWS::DynamoDB::Table' && PhysicalResourceId) await this.#deleteTable(PhysicalResourceId);
    }
    await this.#stacks.delete(stack);
    if (phaseOf(stack) === 'deletion failed') throw await this.#failureOf(stack);
    return pendingOn(waitingFor({ ...stack, StackName }, false));
  }

  async #deleteTable(TableName: string): Promise<void> {
    try {
      await this.#options.dynamo.send(new DeleteTableCommand({ TableName }));
    } catch (error) {
      // ResourceInUse: it is being deleted.
      const isGoing = error instanceof Error && /^Resource(NotFound|InUse)Exception$/.test(error.name);
      if (!isGoing) throw asDomainError('DynamoDB', error);
    }
  }

  /** Deletes up to `limit` items of the tenant. @returns how many it has deleted */
  async #deleteItems({ name, table }: PooledTable, tenantId: string, limit: number): Promise<number> {
    let deleted = 0;
    while (deleted < limit) {
      const keys = await pooledKeys(this.#options.dynamo, { table: name, tenantId, limit: MAX_WRITES });
      if (keys.length === 0) break;
      await table.transact(keys.map((key) => ({ delete: key })));
      deleted += keys.length;
    }
    return deleted;
  }

  async #failureOf(stack: Stack): Promise<DomainError> {
    const { reason } = await this.#stacks.lastOperation(stack.StackId ?? '');
    return new DomainError('FAILED', reason ?? `stack ${stack.StackName} is ${stack.StackStatus}`);
  }
}

function expiryOf(write: Write): number | undefined {
  return 'put' in write ? write.put.expiresAt : undefined;
}

function pendingOn(pending: string): Pending {
  return { pending, lookAgainMs: LOOK_AGAIN_MS };
}
