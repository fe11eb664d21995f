import type { CloudFormationCustomResourceEvent, CloudFormationCustomResourceResponse } from 'aws-lambda';
import * as z from 'zod';
import { isDomainError } from '../../core/errors.ts';
import type { Identity } from '../../core/ports/identity.ts';
import { readEnvironment } from './environment.ts';
import { functionLog } from './log.ts';
import { openStore, openUsers } from './world.ts';

/** SBT's custom resource that invites the first system admin: the properties are SBT's. */
const Properties = z.object({ Name: z.string(), Email: z.string(), Role: z.string() });

const environment = readEnvironment(process.env);
const identity = openUsers(environment, openStore(environment).table);

/** Always answers CloudFormation, which else waits for an hour. Deleting the stack deletes no user. */
export async function handler(event: CloudFormationCustomResourceEvent): Promise<void> {
  try {
    const { Name, Email, Role } = Properties.parse(event.ResourceProperties);
    if (event.RequestType !== 'Delete') await ensureAdmin(identity, { userName: Name, email: Email, role: Role });
    await answer(event, { Status: 'SUCCESS', PhysicalResourceId: Name });
  } catch (error) {
    functionLog.error({ err: error }, 'the first admin could not be created');
    const reason = error instanceof Error ? error.message : 'unknown';
    const PhysicalResourceId = 'PhysicalResourceId' in event ? event.PhysicalResourceId : 'none';
    await answer(event, { Status: 'FAILED', Reason: reason, PhysicalResourceId });
  }
}

/** Leaves an admin who is there alone: changes are the admins' own affair. */
async function ensureAdmin(users: Identity, admin: { userName: string; email: string; role: string }): Promise<void> {
  await users.ensureRealm({ id: 'admin', displayName: 'Administration' });
  if (await users.user('admin', admin.userName)) return;
  await users.createUser('admin', admin).catch((error: unknown) => {
    if (!isDomainError(error, 'CONFLICT')) throw error;
  });
}

/** @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html */
async function answer(
  { StackId, RequestId, LogicalResourceId, ResponseURL }: CloudFormationCustomResourceEvent,
  result: Pick<CloudFormationCustomResourceResponse, 'PhysicalResourceId'> &
    ({ readonly Status: 'SUCCESS' } | { readonly Status: 'FAILED'; readonly Reason: string }),
): Promise<void> {
  const body = JSON.stringify({ StackId, RequestId, LogicalResourceId, ...result });
  const response = await fetch(ResponseURL, { method: 'PUT', body, headers: { 'content-type': '' } });
  if (!response.ok) throw new Error(`CloudFormation answered ${response.status} to the custom resource's result`);
}
