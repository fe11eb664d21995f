import { CloudFormationClient, DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetRolePolicyCommand, IAMClient, ListRolePoliciesCommand } from '@aws-sdk/client-iam';
import { openTable } from '../../../../adapters/aws/store/table.ts';
import { pooledTableShape } from '../../../../adapters/aws/store/table-shape.ts';
import { systemClock, systemRandom } from '../../../../adapters/shared/clock.ts';
import type { Table } from '../../../../core/ports/table.ts';
import { type BusWatch, type SeenEvent, watchBus } from '../../../../rehearsal/bus-watch.ts';
import type { EmulatedAccount } from '../../../../rehearsal/emulated-account.ts';
import { type Installation, installationWith } from '../../../../rehearsal/installation.ts';
import type { Statement } from '../../../../tenant-templates/data-role.ts';
import { clientConfig } from '../../../rehearsal/account.ts';
import { deployApp } from '../../../rehearsal/cdk.ts';

const ADMIN_EMAIL = 'admin@example.com';
const RESULTS = ['provisionSuccess', 'provisionFailure', 'deprovisionSuccess', 'deprovisionFailure'];
/** Without the pool's services, which need containers. */
const STACKS = ['shared-infra-stack', 'controlplane-stack', 'core-appplane-stack'];

/** The application plane, deployed by the CDK CLI into an account without containers. */
export interface InstalledAppPlane {
  readonly account: EmulatedAccount;
  /** The application plane's. */
  readonly table: Table;
  readonly watch: BusWatch;
  /** The control plane's. */
  readonly controlPlaneTable: Table;
  readonly installation: Installation;
  /** Publishes a request as the control plane does. */
  request(detailType: string, detail: Readonly<Record<string, unknown>>): Promise<void>;
  /** The next result for a tenant. Waits for at most 90 s. */
  resultOf(tenantId: string): Promise<SeenEvent>;
  /** The name of a resource. @param id the beginning of its logical id @param stack @default - core-appplane-stack */
  physicalName(id: string, type: string, stack?: string): Promise<string>;
  /** The statements of a role of the stack, by the beginning of its logical id. */
  statementsOf(id: string): Promise<readonly Statement[]>;
}

export async function installAppPlane(account: EmulatedAccount): Promise<InstalledAppPlane> {
  const parameters = [`controlplane-stack:SystemAdminEmail=${ADMIN_EMAIL}`];
  const { 'controlplane-stack': outputs } = await deployApp(account, { stacks: STACKS, parameters });
  const config = clientConfig(account);
  const cloudFormation = new CloudFormationClient(config);
  const resources = async (StackName: string) =>
    (await cloudFormation.send(new DescribeStackResourcesCommand({ StackName }))).StackResources ?? [];
  const nameOf = async (stack: string, id: string, type: string): Promise<string> => {
    const found = (await resources(stack)).find(
      ({ LogicalResourceId = '', ResourceType }) => LogicalResourceId.startsWith(id) && ResourceType === type,
    );
    if (!found?.PhysicalResourceId) throw new Error(`${stack} has no ${type} ${id}`);
    return found.PhysicalResourceId;
  };
  const dynamo = new DynamoDBClient(config);
  for (const service of ['orders', 'products']) {
    await dynamo.send(new CreateTableCommand(pooledTableShape(`tierplane-main-pool-${service}`)));
  }
  const open = async (stack: string): Promise<Table> => {
    const tableName = await nameOf(stack, 'Table', 'AWS::DynamoDB::Table');
    return openTable({ client: dynamo, tableName, clock: systemClock, random: systemRandom });
  };
  const installation = installationWith(account, ADMIN_EMAIL, outputs);
  const watch = await watchBus(account, installation.outputs.eventBridgeArn, 'watch', RESULTS);
  const seen: SeenEvent[] = [];
  const iam = new IAMClient(config);
  return {
    ...{ account, watch, installation },
    table: await open('shared-infra-stack'),
    controlPlaneTable: await open('controlplane-stack'),
    request: (detailType, detail) => watch.put({ source: 'controlPlaneEventSource', detailType, detail }),
    async resultOf(tenantId) {
      for (let attempt = 0; attempt < 9; attempt++) {
        const index = seen.findIndex(({ detail }) => detail.tenantId === tenantId);
        const [found] = index < 0 ? [] : seen.splice(index, 1);
        if (found) return found;
        seen.push(...(await watch.seen(10)));
      }
      throw new Error(`no result for tenant ${tenantId}`);
    },
    physicalName: (id, type, stack = 'core-appplane-stack') => nameOf(stack, id, type),
    async statementsOf(id) {
      const RoleName = await nameOf('core-appplane-stack', id, 'AWS::IAM::Role');
      const { PolicyNames = [] } = await iam.send(new ListRolePoliciesCommand({ RoleName }));
      const documents = await Promise.all(
        PolicyNames.map((PolicyName) => iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }))),
      );
      return documents.flatMap(
        ({ PolicyDocument = '{}' }) => JSON.parse(decodeURIComponent(PolicyDocument)).Statement as Statement[],
      );
    },
  };
}
