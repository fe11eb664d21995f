import type {
  CloudFormationCustomResourceCreateEvent,
  CloudFormationCustomResourceEvent,
  CloudFormationCustomResourceUpdateEvent,
} from 'aws-lambda';
import * as z from 'zod';
import { functionLog } from '../../adapters/aws/log.ts';
import { isDomainError, messageOf } from '../../core/errors.ts';
import { Email } from '../../core/fields/email.ts';
import { Role, UserName } from '../../core/fields/user-name.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Identity } from '../../core/ports/identity.ts';
import { pause } from '../../core/time/wait.ts';
import { readEnvironment } from './environment.ts';
import { openUsers } from './identity.ts';
import { openStore } from './store.ts';

/** The properties of SBT's custom resource, which invites the first system administrator. */
const Properties = z.object({ Name: UserName, Email, Role });

type Outcome = { readonly PhysicalResourceId: string } & (
  | { readonly Status: 'SUCCESS' }
  | { readonly Status: 'FAILED'; readonly Reason: string }
);

/** CloudFormation may deliver a request twice; a second invocation waits this long for the first to finish. */
const TRIES = 5;
const RETRY_MS = 1_000;

/**
 * Creates the first system administrator, and always responds to CloudFormation, which otherwise waits for an hour. Deleting
 * the stack deletes no user.
 * @throws only if the response cannot be delivered; Lambda then invokes the function again, which is idempotent
 */
export async function handler(event: CloudFormationCustomResourceEvent): Promise<void> {
  // A deletion changes nothing, so it cannot fail and block the deletion of the stack.
  const outcome: Outcome =
    event.RequestType === 'Delete'
      ? { Status: 'SUCCESS', PhysicalResourceId: event.PhysicalResourceId }
      : await invite(event);
  await respond(event, outcome);
}

async function invite(
  event: CloudFormationCustomResourceCreateEvent | CloudFormationCustomResourceUpdateEvent,
): Promise<Outcome> {
  try {
    const { Name: userName, Email: email, Role: role } = Properties.parse(event.ResourceProperties);
    // Read here rather than at start-up: a function that cannot start sends no response.
    const environment = readEnvironment(process.env);
    const store = openStore(environment);
    await ensureAdmin(openUsers(environment, store), store.clock, { userName, email, role });
    return { Status: 'SUCCESS', PhysicalResourceId: userName };
  } catch (error) {
    functionLog.error({ err: error }, 'the first system administrator could not be created');
    const Reason = messageOf(error);
    const PhysicalResourceId = event.RequestType === 'Update' ? event.PhysicalResourceId : 'none';
    return { Status: 'FAILED', Reason, PhysicalResourceId };
  }
}

/** Does not change an existing administrator. @throws CONFLICT if another user has the email address */
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
async function respond(
  { StackId, RequestId, LogicalResourceId, ResponseURL }: CloudFormationCustomResourceEvent,
  outcome: Outcome,
): Promise<void> {
  const body = JSON.stringify({ StackId, RequestId, LogicalResourceId, ...outcome });
  const response = await fetch(ResponseURL, { method: 'PUT', body, headers: { 'content-type': '' } });
  if (!response.ok)
    throw new Error(`CloudFormation responded to the custom resource's result with status ${response.status}`);
}
