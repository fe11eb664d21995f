import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { ACCOUNT_ID, type EmulatedAccount } from '../../../../rehearsal/emulated-account.ts';
import { type Credentials, clientConfig } from '../../../rehearsal/account.ts';

export interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** Creates a role with `statements` as its policy and assumes it with session tags. */
export async function assumeNewRole(
  account: EmulatedAccount,
  name: string,
  statements: readonly Statement[],
  tags: Readonly<Record<string, string>> = {},
): Promise<Credentials> {
  const iam = new IAMClient(clientConfig(account));
  const sts = new STSClient(clientConfig(account));
  const trust = {
    Effect: 'Allow',
    Principal: { AWS: `arn:aws:iam::${ACCOUNT_ID}:root` },
    Action: ['sts:AssumeRole', 'sts:TagSession'],
  };
  const document = (Statement: unknown): string => JSON.stringify({ Version: '2012-10-17', Statement });
  await iam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: document([trust]) }));
  await iam.send(new PutRolePolicyCommand({ RoleName: name, PolicyName: 'p', PolicyDocument: document(statements) }));
  const { Credentials: given } = await sts.send(
    new AssumeRoleCommand({
      RoleArn: `arn:aws:iam::${ACCOUNT_ID}:role/${name}`,
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
