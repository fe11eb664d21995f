import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { CustomMessageTriggerEvent } from 'aws-lambda';
import { functionClock as clock } from '../../adapters/aws/clock.ts';
import { functionLog } from '../../adapters/aws/log.ts';
import { customMessage } from '../../adapters/aws/mail/custom-message.ts';
import { openTable } from '../../adapters/aws/store/table.ts';
import { systemRandom as random } from '../../adapters/shared/clock.ts';
import type { MailTenant } from '../../core/ports/identity.ts';
import { subjectKey } from '../../core/routing/registry.ts';
import { readEnvironment } from './environment.ts';
import { tenantClaims } from './tenant-claims.ts';

/** Cognito's custom message trigger of the tenants' user pools: invitations and forgotten passwords name the tenant. */
const { TIERPLANE_TABLE: tableName, TIERPLANE_APP_URL: signInPage } = readEnvironment(process.env, [
  'TIERPLANE_TABLE',
  'TIERPLANE_APP_URL',
]);
const table = openTable({ client: new DynamoDBClient(), tableName, clock, random });

/** Never fails: a function that fails would fail the invitation. Without a message of ours, Cognito sends the pool's. */
export async function handler(event: CustomMessageTriggerEvent): Promise<CustomMessageTriggerEvent> {
  try {
    const message = await customMessage(event, { signInPage, tenantOf });
    return message ? { ...event, response: { ...event.response, ...message } } : event;
  } catch (error) {
    functionLog.error({ err: error, trigger: event.triggerSource }, "the user pool's own text is sent");
    return event;
  }
}

async function tenantOf(sub: string): Promise<MailTenant | undefined> {
  const tenantId = (await table.get(subjectKey('pool', sub)))?.data.tenantId;
  const claims = tenantId === undefined ? undefined : await tenantClaims(table, tenantId);
  return claims && { tenantName: claims.name, slug: claims.slug };
}
