import { RESOURCE_KINDS, type Resource, type ResourceKind } from '../../core/plan/resources.ts';
import { mustExist, type Placement } from './placement.ts';

/** The kinds of `resources`, in the order of creation. */
export function kindsOf(resources: readonly Pick<Resource, 'kind'>[]): ResourceKind[] {
  return RESOURCE_KINDS.filter((kind) => resources.some((resource) => resource.kind === kind));
}

/**
 * The placement's `createdKinds`, with `kinds` added. Write it before the first resource of a kind is created, so that no
 * crash can hide a resource from the passes that follow.
 * @returns undefined if the placement has no memory, so that every kind counts
 */
export function withKinds(
  placement: Pick<Placement, 'createdKinds'> | undefined,
  kinds: readonly ResourceKind[],
): readonly ResourceKind[] | undefined {
  if (placement === undefined) return kinds;
  const { createdKinds } = placement;
  return createdKinds && RESOURCE_KINDS.filter((kind) => createdKinds.includes(kind) || kinds.includes(kind));
}

/**
 * The kinds to look for: those that the tenant's shape contains and those that it may have from earlier. Every tenant may
 * have data, at least in the pooled stores. A tenant that must exist keeps its data, so data are looked for only if its
 * shape contains a data store.
 */
export function kindsToObserve(placement: Placement, shape: readonly Resource[]): readonly ResourceKind[] {
  const inShape = kindsOf(shape);
  const { createdKinds = RESOURCE_KINDS } = placement;
  return RESOURCE_KINDS.filter((kind) => {
    if (inShape.includes(kind)) return true;
    return kind === 'data' ? !mustExist(placement) : createdKinds.includes(kind);
  });
}
