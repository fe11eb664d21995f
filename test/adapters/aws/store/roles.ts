import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { ACCOUNT_ID, type EmulatedAccount } from '../../../../rehearsal/emulated-account.ts';
import type { Statement } from '../../../../tenant-templates/data-role.ts';
import { type Credentials, clientConfig } from '../../../rehearsal/account.ts';

const TRUST_ALL: Statement = {
  Effect: 'Allow',
  Principal: { AWS: `arn:aws:iam::${ACCOUNT_ID}:root` },
  Action: ['sts:AssumeRole', 'sts:TagSession'],
};

/**
 * Creates a role with `statements` as its policy. Returns its ARN.
 * @param trust who may assume it. @default - everybody in the account
 */
export async function createRole(
  account: EmulatedAccount,
  name: string,
  statements: readonly Statement[],
  trust: readonly Statement[] = [TRUST_ALL],
): Promise<string> {
  const iam = new IAMClient(clientConfig(account));
  const document = (Statement: unknown): string => JSON.stringify({ Version: '2012-10-17', Statement });
  await iam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: document(trust) }));
  await iam.send(new PutRolePolicyCommand({ RoleName: name, PolicyName: 'p', PolicyDocument: document(statements) }));
  return `arn:aws:iam::${ACCOUNT_ID}:role/${name}`;
}

/** Creates a role with `statements` as its policy and assumes it with session tags. */
export async function assumeNewRole(
  account: EmulatedAccount,
  name: string,
  statements: readonly Statement[],
  tags: Readonly<Record<string, string>> = {},
): Promise<Credentials> {
  const RoleArn = await createRole(account, name, statements);
  const sts = new STSClient(clientConfig(account));
  const { Credentials: given } = await sts.send(
    new AssumeRoleCommand({
      RoleArn,
      RoleSessionName: 'test',
      Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
    }),
  );
  return {
    accessKeyId: given?.AccessKeyId ?? '',
    secretAccessKey: given?.SecretAccessKey ?? '',
    sessionToken: given?.SessionToken ?? '',
  };
}
