import type { Stack } from '@aws-sdk/client-cloudformation';

/**
 * What can be done with a stack in its present status.
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
 */
export type StackPhase =
  /** An operation is in progress. */
  | 'working'
  | 'created'
  /** Nothing of it serves; it can only be deleted. */
  | 'creation failed'
  /** It is as before the update. */
  | 'update rolled back'
  | 'deletion failed'
  /** CloudFormation could not restore it. Somebody must look at it. */
  | 'stuck';

const PHASES: Readonly<Record<string, StackPhase>> = {
  CREATE_COMPLETE: 'created',
  UPDATE_COMPLETE: 'created',
  IMPORT_COMPLETE: 'created',
  CREATE_FAILED: 'creation failed',
  ROLLBACK_COMPLETE: 'creation failed',
  ROLLBACK_FAILED: 'creation failed',
  UPDATE_ROLLBACK_COMPLETE: 'update rolled back',
  DELETE_FAILED: 'deletion failed',
};

export function phaseOf(stack: Stack): StackPhase {
  const StackStatus: string = stack.StackStatus ?? '';
  return PHASES[StackStatus] ?? (StackStatus.endsWith('_IN_PROGRESS') ? 'working' : 'stuck');
}

const WORK: readonly (readonly [prefix: string, what: string])[] = [
  ['DELETE', 'is being deleted'],
  ['ROLLBACK', 'is being rolled back'],
  ['UPDATE_ROLLBACK', 'is being rolled back'],
  ['UPDATE', 'is being updated'],
  ['CREATE', 'is being created'],
];

/** What a caller waits for. @param asItIs false: the stack's deletion has just begun */
export function waitingFor({ StackName, StackStatus: status }: Stack, asItIs: boolean): string {
  const StackStatus: string = status ?? '';
  const what = asItIs ? WORK.find(([prefix]) => StackStatus.startsWith(prefix))?.[1] : undefined;
  return `stack ${StackName} ${what ?? (asItIs ? 'is changing' : 'is being deleted')}`;
}
