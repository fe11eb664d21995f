import type {
  CloudFormationCustomResourceCreateEvent,
  CloudFormationCustomResourceEvent,
  CloudFormationCustomResourceUpdateEvent,
} from 'aws-lambda';
import * as z from 'zod';
import { isDomainError } from '../../core/errors.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Identity } from '../../core/ports/identity.ts';
import { pause } from '../../core/time/wait.ts';
import { readEnvironment } from './environment.ts';
import { openUsers } from './identity.ts';
import { functionLog } from './log.ts';
import { openStore } from './store.ts';

/** SBT's custom resource that invites the first system admin: the properties are SBT's. */
const Properties = z.object({ Name: z.string(), Email: z.string(), Role: z.string() });

type Outcome = { readonly PhysicalResourceId: string } & (
  | { readonly Status: 'SUCCESS' }
  | { readonly Status: 'FAILED'; readonly Reason: string }
);

/** The same request may be delivered twice, and the other one be at it: it is waited for this long. */
const TRIES = 5;
const RETRY_MS = 1_000;

/**
 * Always answers CloudFormation, which else waits for an hour. Deleting the stack deletes no user. Throws only where
 * the answer cannot be given: Lambda then runs it again, to the same end.
 */
export async function handler(event: CloudFormationCustomResourceEvent): Promise<void> {
  // Nothing is to be done, so nothing can fail: a deletion that does blocks the stack.
  const outcome: Outcome =
    event.RequestType === 'Delete'
      ? { Status: 'SUCCESS', PhysicalResourceId: event.PhysicalResourceId }
      : await invite(event);
  await answer(event, outcome);
}

async function invite(
  event: CloudFormationCustomResourceCreateEvent | CloudFormationCustomResourceUpdateEvent,
): Promise<Outcome> {
  try {
    const { Name, Email, Role } = Properties.parse(event.ResourceProperties);
    // Not at start-up: a function that cannot start gives no answer.
    const environment = readEnvironment(process.env);
    const store = openStore(environment);
    await ensureAdmin(openUsers(environment, store), store.clock, { userName: Name, email: Email, role: Role });
    return { Status: 'SUCCESS', PhysicalResourceId: Name };
  } catch (error) {
    functionLog.error({ err: error }, 'the first admin could not be created');
    const Reason = error instanceof Error ? error.message : 'unknown';
    const PhysicalResourceId = event.RequestType === 'Update' ? event.PhysicalResourceId : 'none';
    return { Status: 'FAILED', Reason, PhysicalResourceId };
  }
}

/** Leaves an admin who is there alone: changes are the admins' own affair. Throws CONFLICT for another one's email. */
async function ensureAdmin(
  users: Identity,
  clock: Clock,
  admin: { userName: string; email: string; role: string },
): Promise<void> {
  await users.ensureRealm({ id: 'admin', displayName: 'Administration' });
  for (let tries = 1; !(await users.user('admin', admin.userName)); tries++) {
    try {
      await users.createUser('admin', admin);
    } catch (error) {
      if (!isDomainError(error, 'CONFLICT') || tries === TRIES) throw error;
      await pause(clock, RETRY_MS);
    }
  }
}

/** @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html */
async function answer(
  { StackId, RequestId, LogicalResourceId, ResponseURL }: CloudFormationCustomResourceEvent,
  outcome: Outcome,
): Promise<void> {
  const body = JSON.stringify({ StackId, RequestId, LogicalResourceId, ...outcome });
  const response = await fetch(ResponseURL, { method: 'PUT', body, headers: { 'content-type': '' } });
  if (!response.ok) throw new Error(`CloudFormation answered ${response.status} to the custom resource's result`);
}
