import {
  type APIGatewayClient,
  type ApiKey,
  CreateApiKeyCommand,
  CreateUsagePlanKeyCommand,
  DeleteApiKeyCommand,
  DeleteUsagePlanKeyCommand,
  GetApiKeysCommand,
  GetUsagePlanKeyCommand,
} from '@aws-sdk/client-api-gateway';
import { DomainError } from '../../../core/errors.ts';
import type { MeteringKey, MeteringKeys } from '../../../core/ports/metering-keys.ts';
import type { Pending } from '../../../core/progress/pending.ts';
import { requireTenantId } from '../../../core/tenant/ids.ts';
import type { TierName } from '../../../core/tier/tiers.ts';
import type { CallLimiter } from '../../../core/usage/call-limiter.ts';
import { asDomainError } from '../store/errors.ts';

export interface MeteringKeysOptions {
  readonly apiGateway: APIGatewayClient;
  /** Keys are called `<prefix>-<tenant id>`. */
  readonly prefix: string;
  /** The id of each tier's usage plan. A key is in the plan of one tier. */
  readonly usagePlanIds: Readonly<Record<TierName, string>>;
  /** Whether API Gateway accepts requests with the key (key-check.ts). */
  readonly works: (key: MeteringKey) => Promise<boolean>;
  /** Limits the creation of keys over all processes: an account may create about five a second. @default - no limit */
  readonly limiter?: CallLimiter;
}

/** The tag of a tenant's key; its value is the environment's prefix. */
const KEY_TAG = 'tierplane:prefix';
const KEY_TYPE = 'API_KEY';
/** A new key takes effect within minutes. */
const NOT_YET: Pending = { pending: 'its new API key does not work yet', lookAgainMs: 10_000 };

/**
 * The MeteringKeys port over API Gateway: one API key per tenant, found by its name. A new key takes effect after a delay.
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html
 */
export function openMeteringKeys({
  apiGateway,
  prefix,
  usagePlanIds,
  works,
  limiter,
}: MeteringKeysOptions): MeteringKeys {
  const nameOf = (tenantId: string): string => {
    requireTenantId(tenantId);
    return `${prefix}-${tenantId}`;
  };

  /** All keys of the tenant. Two exist only if two passes have created it at the same time. */
  async function find(tenantId: string): Promise<ApiKey[]> {
    const name = nameOf(tenantId);
    const found: ApiKey[] = [];
    for (let position: string | undefined; ; ) {
      // The query matches the beginning of names.
      const query = new GetApiKeysCommand({ nameQuery: name, includeValues: true, limit: 500, position });
      const page = await apiGateway.send(query).catch(fail);
      found.push(...(page.items ?? []).filter((key) => key.name === name));
      position = page.position;
      if (!position) return found;
    }
  }

  /** @returns the id of the new key, or the time after which to try again */
  async function create(tenantId: string, value: string): Promise<string | Pending> {
    const waitMs = await limiter?.take();
    if (waitMs) return turnAfter(waitMs);
    const tags = { [KEY_TAG]: prefix, TenantId: tenantId };
    const command = new CreateApiKeyCommand({ name: nameOf(tenantId), value, enabled: true, tags });
    try {
      return idOf(await apiGateway.send(command));
    } catch (error) {
      if (limiter && isNamed(error, 'TooManyRequestsException')) return turnAfter(await limiter.refused());
      return fail(error);
    }
  }

  async function remove(apiKey: string): Promise<void> {
    await apiGateway.send(new DeleteApiKeyCommand({ apiKey })).catch(unlessNotFound);
  }

  /** A key can be in only one usage plan of a stage, so it leaves the plans of the other tiers first. */
  async function assign(keyId: string, tier: TierName): Promise<void> {
    const usagePlanId = usagePlanIds[tier];
    const assigned = await apiGateway.send(new GetUsagePlanKeyCommand({ usagePlanId, keyId })).catch(unlessNotFound);
    if (assigned) return;
    for (const other of Object.values(usagePlanIds)) {
      if (other === usagePlanId) continue;
      await apiGateway.send(new DeleteUsagePlanKeyCommand({ usagePlanId: other, keyId })).catch(unlessNotFound);
    }
    await apiGateway.send(new CreateUsagePlanKeyCommand({ usagePlanId, keyId, keyType: KEY_TYPE })).catch(fail);
  }

  return {
    keptIn: 'service',

    async ensure({ tenantId, tier, value }) {
      const found = await find(tenantId);
      const known = found.find((key) => key.value === value);
      for (const other of found) if (other !== known) await remove(idOf(other));
      const id = known ? idOf(known) : await create(tenantId, value);
      if (typeof id !== 'string') return id;
      await assign(id, tier);
    },

    async check(key) {
      requireTenantId(key.tenantId);
      if (!(await works(key))) return NOT_YET;
    },

    async move({ tenantId, tier }) {
      const [key] = await find(tenantId);
      if (!key) throw new DomainError('NOT_FOUND', `tenant ${tenantId} has no API key`);
      await assign(idOf(key), tier);
    },

    async delete(tenantId) {
      for (const key of await find(tenantId)) await remove(idOf(key));
    },
  };
}

/** An id that API Gateway always returns, although the SDK's types declare it optional. */
function idOf({ id }: Pick<ApiKey, 'id'>): string {
  if (!id) throw new DomainError('UNAVAILABLE', 'API Gateway must return the id of an API key, got none');
  return id;
}

function turnAfter(lookAgainMs: number): Pending {
  return { pending: 'the tenant waits for its turn to get an API key', lookAgainMs };
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}

function fail(error: unknown): never {
  if (isNamed(error, 'LimitExceededException')) {
    throw new DomainError('FORBIDDEN', 'the cell is full: the account has as many API keys as it can', {
      cause: error,
    });
  }
  // Another pass has created the key, or assigned it, at the same time. The next call finds it.
  if (isNamed(error, 'ConflictException')) {
    throw new DomainError('UNAVAILABLE', 'the API key was changed at the same time', { cause: error });
  }
  throw asDomainError('API Gateway', error);
}

/** Turns the error for something that does not exist into undefined. */
function unlessNotFound(error: unknown): undefined {
  if (isNamed(error, 'NotFoundException')) return undefined;
  return fail(error);
}
