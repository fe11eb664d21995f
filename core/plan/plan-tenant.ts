import { DomainError } from '../errors.ts';
import type { Json } from '../ports/table.ts';
import { type Change, type DesiredState, RESOURCE_KINDS, type Resource } from './resources.ts';

/**
 * The changes that lead from what a tenant has to what it shall have. Pure, sorted and serialisable: the same states
 * give the same plan, in whatever order they were listed.
 *
 * Creates and updates come first, in the order of RESOURCE_KINDS, then deletes, backwards: what replaces something
 * stands before the old goes, for no kind needs the other's place. Observed resources of another tenant are ignored.
 * @throws INVALID if the desired state names another tenant or one resource twice
 */
export function planTenant(desired: DesiredState, observed: readonly Resource[]): Change[] {
  const wanted = byIdentity(desired.resources);
  for (const [identity, resources] of wanted) {
    if (resources.length > 1)
      throw new DomainError('INVALID', `a tenant's resources must be unique, got ${identity} twice`);
    if (resources.some((resource) => resource.tenantId !== desired.tenantId)) {
      throw new DomainError('INVALID', `a plan must name its own tenant only, got a foreign ${identity}`);
    }
  }
  const present = byIdentity(observed.filter((resource) => resource.tenantId === desired.tenantId));
  const upserts: Change[] = [];
  const deletes: Change[] = [];
  for (const [identity, [resource]] of wanted) {
    if (!resource) continue;
    const found = present.get(identity);
    if (!found) upserts.push({ action: 'create', resource });
    else if (found.some((other) => !sameSpec(other, resource))) upserts.push({ action: 'update', resource });
  }
  for (const [identity, found] of present) {
    const [resource] = found.toSorted((a, b) => compareText(canonical(a.spec), canonical(b.spec)));
    if (resource && !wanted.has(identity)) deletes.push({ action: 'delete', resource });
  }
  return [...upserts.sort(inOrder), ...deletes.sort((a, b) => inOrder(b, a))];
}

function byIdentity(resources: readonly Resource[]): Map<string, Resource[]> {
  return Map.groupBy(resources, (resource) => `${resource.kind} '${resource.name}'`);
}

function inOrder(a: Change, b: Change): number {
  const kinds = RESOURCE_KINDS.indexOf(a.resource.kind) - RESOURCE_KINDS.indexOf(b.resource.kind);
  return kinds || compareText(a.resource.name, b.resource.name);
}

function sameSpec(a: Resource, b: Resource): boolean {
  return canonical(a.spec) === canonical(b.spec);
}

/** By code unit: a locale must not change a plan. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** JSON with sorted keys, so that equal values are equal texts. */
function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => compareText(a, b));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`;
}
