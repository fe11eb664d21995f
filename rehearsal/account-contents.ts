import {
  APIGatewayClient,
  GetApiKeysCommand,
  GetRestApisCommand,
  GetUsagePlansCommand,
} from '@aws-sdk/client-api-gateway';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CloudFrontClient, ListDistributionsCommand } from '@aws-sdk/client-cloudfront';
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { CognitoIdentityProviderClient, ListUserPoolsCommand } from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { DescribeRepositoriesCommand, ECRClient } from '@aws-sdk/client-ecr';
import { ECSClient, ListClustersCommand } from '@aws-sdk/client-ecs';
import { EventBridgeClient, ListEventBusesCommand, ListRulesCommand } from '@aws-sdk/client-eventbridge';
import { IAMClient, ListRolesCommand } from '@aws-sdk/client-iam';
import { LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { clientConfig } from './bus-watch.ts';
import type { EmulatedAccount } from './emulated-account.ts';

/** Names of what an account has, by kind, in order. */
export async function contentsOf(account: EmulatedAccount): Promise<Record<string, readonly string[]>> {
  const config = clientConfig(account);
  const s3 = new S3Client({ ...config, forcePathStyle: true });
  const { Stacks } = await new CloudFormationClient(config).send(new DescribeStacksCommand({}));
  const { TableNames } = await new DynamoDBClient(config).send(new ListTablesCommand({}));
  const { Buckets } = await s3.send(new ListBucketsCommand({}));
  const cognito = new CognitoIdentityProviderClient(config);
  const { UserPools } = await cognito.send(new ListUserPoolsCommand({ MaxResults: 60 }));
  const { logGroups } = await new CloudWatchLogsClient(config).send(new DescribeLogGroupsCommand({}));
  const { Functions } = await new LambdaClient(config).send(new ListFunctionsCommand({}));
  const { QueueUrls } = await new SQSClient(config).send(new ListQueuesCommand({}));
  const { repositories } = await new ECRClient(config).send(new DescribeRepositoriesCommand({}));
  const { clusterArns } = await new ECSClient(config).send(new ListClustersCommand({}));
  const { Roles } = await new IAMClient(config).send(new ListRolesCommand({}));
  return {
    ...(await routesOf(account)),
    stacks: names(Stacks, ({ StackName }) => StackName),
    tables: names(TableNames, (name) => name),
    buckets: names(Buckets, ({ Name }) => Name),
    pools: names(UserPools, ({ Name }) => Name),
    logs: names(logGroups, ({ logGroupName }) => logGroupName),
    functions: names(Functions, ({ FunctionName }) => FunctionName),
    queues: names(QueueUrls, (url) => url),
    repositories: names(repositories, ({ repositoryName }) => repositoryName),
    clusters: names(clusterArns, (arn) => arn),
    roles: names(Roles, ({ RoleName }) => RoleName),
  };
}

/** What leads requests and events to the rest. */
async function routesOf(account: EmulatedAccount): Promise<Record<string, readonly string[]>> {
  const config = clientConfig(account);
  const apiGateway = new APIGatewayClient(config);
  const { items: apis } = await apiGateway.send(new GetRestApisCommand({}));
  const { items: plans } = await apiGateway.send(new GetUsagePlansCommand({}));
  const { items: keys } = await apiGateway.send(new GetApiKeysCommand({ limit: 500 }));
  const { DistributionList } = await new CloudFrontClient(config).send(new ListDistributionsCommand({}));
  const events = new EventBridgeClient(config);
  const { EventBuses } = await events.send(new ListEventBusesCommand({}));
  const { Rules } = await events.send(new ListRulesCommand({}));
  return {
    apis: names(apis, ({ name }) => name),
    usagePlans: names(plans, ({ name }) => name),
    apiKeys: names(keys, ({ name }) => name),
    distributions: names(DistributionList?.Items, ({ DomainName }) => DomainName),
    buses: names(EventBuses, ({ Name }) => Name),
    rules: names(Rules, ({ Name }) => Name),
  };
}

function names<T>(found: readonly T[] | undefined, nameOf: (one: T) => string | undefined): string[] {
  return (found ?? []).flatMap((one) => nameOf(one) ?? []).sort();
}
