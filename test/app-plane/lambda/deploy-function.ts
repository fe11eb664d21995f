import {
  AddPermissionCommand,
  CreateFunctionCommand,
  LambdaClient,
  waitUntilFunctionActiveV2,
} from '@aws-sdk/client-lambda';
import { functionCode } from '../../../infra/function-code.ts';
import { ACCOUNT_ID, type EmulatedAccount, REGION } from '../../../rehearsal/emulated-account.ts';
import type { Statement } from '../../../tenant-templates/data-role.ts';
import { createRole } from '../../adapters/aws/store/roles.ts';
import { clientConfig } from '../../rehearsal/account.ts';
import { zipFile } from '../../support/zip-file.ts';

export interface FunctionSpec {
  readonly name: string;
  /** An entry point in app-plane/lambda, without its ending. */
  readonly entry: string;
  readonly environment: Readonly<Record<string, string>>;
  /** What its role may do, besides writing logs. */
  readonly statements: readonly Statement[];
}

/** The ARN of a function of this name, which need not exist yet. */
export function functionArn(name: string): string {
  return `arn:aws:lambda:${REGION}:${ACCOUNT_ID}:function:${name}`;
}

/** The statement with which a role may read a table by key. */
export function readTable(tableName: string): Statement {
  return { Effect: 'Allow', Action: ['dynamodb:GetItem'], Resource: [tableArn(tableName)] };
}

/** The statement with which a role may use a table as the platform does: no scan, no PartiQL. */
export function useTable(tableName: string): Statement {
  const verbs = ['GetItem', 'Query', 'PutItem', 'DeleteItem', 'ConditionCheckItem'];
  const table = tableArn(tableName);
  return { Effect: 'Allow', Action: verbs.map((verb) => `dynamodb:${verb}`), Resource: [table, `${table}/index/*`] };
}

function tableArn(tableName: string): string {
  return `arn:aws:dynamodb:${REGION}:${ACCOUNT_ID}:table/${tableName}`;
}

const TRUST_LAMBDA: Statement = {
  Effect: 'Allow',
  Principal: { Service: 'lambda.amazonaws.com' },
  Action: ['sts:AssumeRole'],
};

/** Deploys a function's bundle with a role of its own, which Cognito may invoke for pools of the account. */
export async function deployFunction(account: EmulatedAccount, spec: FunctionSpec): Promise<void> {
  const { name, entry, environment, statements } = spec;
  const lambda = new LambdaClient(clientConfig(account));
  const Role = await createRole(account, name, statements, [TRUST_LAMBDA]);
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName: name,
      ...{ Role, Runtime: 'nodejs24.x', Handler: 'index.handler', Timeout: 29, MemorySize: 512 },
      Code: { ZipFile: zipFile('index.js', functionCode(`app-plane/lambda/${entry}.ts`)) },
      Environment: { Variables: environment },
    }),
  );
  await waitUntilFunctionActiveV2({ client: lambda, maxWaitTime: 20, minDelay: 1 }, { FunctionName: name });
  const permission = { StatementId: 'cognito', Action: 'lambda:InvokeFunction', SourceAccount: ACCOUNT_ID };
  await lambda.send(
    new AddPermissionCommand({ FunctionName: name, Principal: 'cognito-idp.amazonaws.com', ...permission }),
  );
}
