import { DomainError } from '../errors.ts';
import type { Json } from '../ports/table.ts';
import { type Change, type DesiredState, type ObservedResource, RESOURCE_KINDS, type Resource } from './resources.ts';

/**
 * The changes that lead from the observed state of a tenant to the desired one. Pure, sorted and serialisable: the same
 * states give the same plan, in whatever order they are listed.
 *
 * Creates and updates come first, in the order of RESOURCE_KINDS, then deletes, in reverse: a replacement exists before
 * the old resource goes, because no kind needs the other's place. Observed resources of another tenant are ignored.
 * @throws INVALID if the desired state names another tenant, or one resource twice
 */
export function planTenant(desired: DesiredState, observed: readonly ObservedResource[]): Change[] {
  const resources = uniqueByIdentity(desired);
  const present = byIdentity(observed.filter((resource) => resource.tenantId === desired.tenantId));
  const upserts: Change[] = [];
  for (const [identity, resource] of resources) {
    const found = present.get(identity);
    if (!found) upserts.push({ action: 'create', resource });
    else if (found.some((other) => !sameSpec(other, resource))) upserts.push({ action: 'update', resource });
  }
  const deletes: Change[] = [];
  for (const [identity, found] of present) {
    const [resource] = found.toSorted((a, b) => compareText(canonical(a.spec), canonical(b.spec)));
    if (resource && !resources.has(identity)) deletes.push({ action: 'delete', resource });
  }
  return [...upserts.sort(inOrder), ...deletes.sort((a, b) => inOrder(b, a))];
}

function uniqueByIdentity({ tenantId, resources }: DesiredState): Map<string, Resource> {
  const unique = new Map<string, Resource>();
  for (const resource of resources) {
    const identity = identityOf(resource);
    if (unique.has(identity)) {
      throw new DomainError('INVALID', `a tenant's resources must be unique, got ${identity} twice`);
    }
    if (resource.tenantId !== tenantId) {
      throw new DomainError(
        'INVALID',
        `a plan must contain only resources of tenant ${tenantId}, got ${identity} of tenant ${resource.tenantId}`,
      );
    }
    unique.set(identity, resource);
  }
  return unique;
}

function byIdentity(resources: readonly ObservedResource[]): Map<string, ObservedResource[]> {
  return Map.groupBy(resources, identityOf);
}

function identityOf({ kind, name }: ObservedResource): string {
  return `${kind} '${name}'`;
}

function inOrder(a: Change, b: Change): number {
  const kinds = RESOURCE_KINDS.indexOf(a.resource.kind) - RESOURCE_KINDS.indexOf(b.resource.kind);
  return kinds || compareText(a.resource.name, b.resource.name);
}

function sameSpec(a: ObservedResource, b: ObservedResource): boolean {
  return canonical(a.spec) === canonical(b.spec);
}

/** Compares by code unit, so that no locale changes a plan. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** JSON with sorted keys, so that equal values have equal texts. */
function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => compareText(a, b));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`;
}
