import { slugOf } from '../core/fields/slug.ts';
import { TENANT_ID } from '../core/tenant/ids.ts';
import { CliError } from './exit-codes.ts';

/** Two ways to find a tenant. Each returns undefined if there is none. */
export interface TenantLookup<T> {
  byId(tenantId: string): Promise<T | undefined>;
  byName(name: string): Promise<T | undefined>;
  /** How messages name a tenant. Different tenants have different labels. */
  labelOf(tenant: T): string;
}

/**
 * The tenant that an argument of a command means, by id or by name; undefined if there is none. Every command resolves
 * tenants here. Throws refused if the argument is the id of one tenant and the name of another.
 */
export async function tenantOfArgument<T>(argument: string, lookup: TenantLookup<T>): Promise<T | undefined> {
  const [byId, byName] = await Promise.all([
    TENANT_ID.test(argument) ? lookup.byId(argument) : undefined,
    slugOf(argument) === '' ? undefined : lookup.byName(argument),
  ]);
  if (byId === undefined || byName === undefined) return byId ?? byName;
  const [first, second] = [lookup.labelOf(byId), lookup.labelOf(byName)];
  if (first === second) return byId;
  throw new CliError('refused', `'${argument}' is the id of ${first} and the name of ${second}`, {
    hint: 'give the name of the first tenant, or the id of the second',
  });
}
