import type { Change, ObservedResource, ResourceKind } from '../../core/plan/resources.ts';
import type { Step } from '../../core/progress/step.ts';
import type { Inspection } from './verdict.ts';

/** The last step of an offboarding. */
export const REMOVE_REMAINS = 'remove remains';

const KIND_NAMES: Record<Exclude<ResourceKind, 'service'>, string> = {
  'user-pool': 'user pool',
  data: 'data store',
  cluster: 'cluster',
  'admin-user': 'administrator',
  'api-key': 'API key',
  route: 'route',
};

/** The step's name as users see it: 'create service orders', 'remove route'. */
export function stepName({
  action,
  resource,
}: Pick<Change, 'action'> & { readonly resource: ObservedResource }): string {
  const verb = action === 'delete' ? 'remove' : action;
  if (resource.kind === 'admin-user' && action === 'delete') return 'remove users';
  if (resource.kind !== 'service') return `${verb} ${KIND_NAMES[resource.kind]}`;
  return `${verb} service ${resource.name.slice(resource.name.indexOf('/') + 1)}`;
}

/** What a step works on: the data store, the services and their cluster, or something else. */
export function scopeOf(name: string): 'data' | 'deployment' | undefined {
  const [, what = ''] = /^(?:create|update|remove) (.+)$/.exec(name) ?? [];
  if (what === KIND_NAMES.data) return 'data';
  return what === KIND_NAMES.cluster || what.startsWith('service ') ? 'deployment' : undefined;
}

/** Whether a step creates, updates or removes this service. */
export function isStepOfService(name: string, service: string): boolean {
  return /^(?:create|update|remove) service (.+)$/.exec(name)?.[1] === service;
}

/** The names of the steps that create or update a resource. */
function upsertNames(resource: ObservedResource): string[] {
  return (['create', 'update'] as const).map((action) => stepName({ action, resource }));
}

/**
 * The name of the step that a change belongs to. A change continues the running step that creates or updates its resource:
 * a resource whose creation goes on elsewhere may be observed before it is as desired, and is then planned as an update.
 */
export function stepOf(change: Change, steps: readonly Step[]): string {
  if (change.action === 'delete') return stepName(change);
  const names = upsertNames(change.resource);
  const running = steps.findLast(({ name, status }) => status === 'running' && names.includes(name));
  return running?.name ?? stepName(change);
}

/**
 * The running steps whose work has ended, as the observation shows: a created or updated resource is as desired, and a
 * removed one is absent.
 */
export function completedSteps(
  steps: readonly Step[],
  { desired, observed, changes }: Pick<Inspection, 'desired' | 'observed' | 'changes'>,
): string[] {
  const outstanding = new Set(
    changes.flatMap(({ action, resource }) => (action === 'delete' ? [] : upsertNames(resource))),
  );
  const reached = new Set(desired.flatMap(upsertNames).filter((name) => !outstanding.has(name)));
  const present = new Set(observed.map((resource) => stepName({ action: 'delete', resource })));
  const isCompleted = (name: string) =>
    name.startsWith('remove ') ? name !== REMOVE_REMAINS && !present.has(name) : reached.has(name);
  return steps.filter(({ name, status }) => status === 'running' && isCompleted(name)).map(({ name }) => name);
}
