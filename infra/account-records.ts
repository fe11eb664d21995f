import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { emailKey, realmKey, userKey } from '../core/identity/users/user-records.ts';
import type { RealmId } from '../core/ports/identity.ts';
import { subjectKey } from '../core/routing/registry.ts';
import { onKeys } from './on-keys.ts';

export interface AccountRecordsProps {
  /** The realms whose users the account pages serve. `*` stands for any text. */
  readonly realms: readonly RealmId[];
  /** Partition keys of further records that the pages read. @default - none */
  readonly reads?: readonly string[];
  /** Partition keys of further records that must not change while a password changes. @default - none */
  readonly checks?: readonly string[];
}

/**
 * What the account pages do with their plane's table: find users, keep the links of forgotten passwords, and record changed
 * passwords and ended sessions. Everybody can call the pages, so they reach no other record.
 */
export function accountRecords({ tableArn }: Table, props: AccountRecordsProps): PolicyStatement[] {
  const { realms, reads = [], checks = [] } = props;
  const subjects = realms.map((realm) => subjectKey(realm, '*').pk);
  // As in adapters/shared/identity/password-reset-record.ts.
  const links = realms.map((realm) => `password-reset#${realm}`);
  const written = [...realms.map((realm) => userKey(realm, '').pk), ...subjects, ...links];
  const found = realms.flatMap((realm) => [realmKey(realm).pk, emailKey(realm, '').pk]);
  return [
    onKeys(['GetItem'], [tableArn], [...found, ...written, ...reads]),
    onKeys(['PutItem'], [tableArn], written),
    onKeys(['DeleteItem'], [tableArn], links),
    onKeys(['ConditionCheckItem'], [tableArn], [...subjects, ...checks]),
  ];
}
