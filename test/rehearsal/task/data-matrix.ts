import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createSessionStart } from '../../../adapters/aws/store/tenant-sessions.ts';
import { synthesizeSiloTemplates } from '../../../app-plane/infra/tenant-stacks/release.ts';
import type { ContainerEngine } from '../../../rehearsal/container-engine.ts';
import type { EmulatedAccount } from '../../../rehearsal/emulated-account.ts';
import { OTHER_TENANT, TENANT } from '../../../rehearsal/task/scene.ts';
import { SERVICES, SERVICES_WITHOUT_TABLE } from '../../../tenant-templates/tiers.ts';
import { configurationOf, parse } from '../../app-plane/infra/tenant-stacks/templates.ts';
import { allowedBy, type Cell, evaluated, type KeyKind } from '../../infra/iam/data-calls.ts';
import { DATA_RIGHTS } from '../../infra/iam/data-rights.ts';
import type { RoleRights } from '../../infra/iam/evaluate.ts';
import type { PolicyDocument } from '../../infra/iam/policy.ts';
import { ACCOUNT, DeployedTemplate, REGION, type Template } from '../../infra/iam/template.ts';
import { type Credentials, clientConfig } from '../account.ts';
import { calledCells } from '../data-calls.ts';
import { PoolTasks } from './pool-tasks.ts';
import { PREFIX, platformTemplate } from './silo-scene.ts';

/** Runs in a container of a service: what it knows of its table, and the credentials that ECS gives its task. */
const ASK = `
const { AWS_CONTAINER_CREDENTIALS_FULL_URI: url, AWS_CONTAINER_AUTHORIZATION_TOKEN: authorization } = process.env;
const { TIERPLANE_TENANT: tenant, TIERPLANE_SERVICE: service, TIERPLANE_TABLE: table, TIERPLANE_DATA_ROLE: role } = process.env;
fetch(url, { headers: authorization ? { authorization } : {} }).then((response) => response.json())
  .then((given) => console.log(JSON.stringify({ tenant, service, table, role, given })));`;

interface Task {
  /** '' in the pool. */
  readonly tenant: string;
  readonly service: string;
  /** Of the service's items; undefined for a service without a table. */
  readonly table?: string;
  readonly role?: string;
  readonly given: { readonly AccessKeyId: string; readonly SecretAccessKey: string; readonly Token: string };
}

/** What two judges allow: the account, in which the calls are made, and the evaluator of the templates' policies. */
interface Opinions {
  readonly called: Cell[];
  readonly evaluated: Cell[];
}

/** The table that is called, and by which session. */
interface Asked {
  readonly tableName: string;
  /** @default - the credentials of the task itself */
  readonly session?: Credentials;
  /** @default - all kinds of keys */
  readonly kinds?: readonly KeyKind[];
}

const HOMES = [
  { title: 'the pool', tenant: '', template: 'pool' },
  { title: 'a silo tenant with a task per service', tenant: TENANT, template: 'silo-service-per-service' },
  { title: 'a silo tenant with one task', tenant: OTHER_TENANT, template: 'silo-cluster-one-task' },
] as const;
const WITHOUT_TABLE: readonly string[] = SERVICES_WITHOUT_TABLE;
const OF_THE_TENANT = allowedBy(DATA_RIGHTS['tasks/data']?.own ?? {});

/**
 * Makes every data call with every kind of key, as the tasks of the pool and of two silo tenants that run in the account, and
 * asks the evaluator about the same calls.
 */
export function dataMatrix(account: () => EmulatedAccount, engine: () => ContainerEngine): void {
  describe('every data call with every kind of key', () => {
    let pool: PoolTasks;
    let templates: Readonly<Record<string, DeployedTemplate>>;
    let tasks: readonly Task[];
    let boundary: PolicyDocument;
    beforeAll(async () => {
      pool = new PoolTasks(account());
      await pool.start();
      templates = readTemplates(pool);
      boundary = readBoundary();
      const label = 'label=com.amazonaws.ecs.container-name';
      const containers = SERVICES.flatMap((service) => engine().containers(`${label}=${service}`, 'status=running'));
      tasks = containers.map((name) => JSON.parse(engine().run('exec', name, 'node', '-e', ASK)));
    }, 120_000);
    afterAll(() => pool.stop(), 120_000);

    const as = (credentials: Credentials) => new DynamoDBClient(clientConfig(account(), credentials));
    const tasksOf = (tenant: string) => tasks.filter((task) => task.tenant === tenant);

    /** The opinions on a role of a task, for a table. */
    async function opinions(task: Task, role: string, { tableName, session, kinds }: Asked): Promise<Opinions> {
      const tenantId = task.tenant || TENANT;
      const otherTenant = tenantId === TENANT ? OTHER_TENANT : TENANT;
      const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token: sessionToken } = task.given;
      const client = as(session ?? { accessKeyId, secretAccessKey, sessionToken });
      const rights = rightsOf(HOMES.find(({ tenant }) => tenant === task.tenant)?.template ?? '', role);
      const tableArn = `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/${tableName}`;
      const tags = session ? { tenantId } : {};
      return {
        called: await calledCells(client, { tableName, tenantId, otherTenant, ...(kinds && { kinds }) }),
        evaluated: evaluated(rights, { tableArn, tenantId, otherTenant, tags, ...(kinds && { kinds }) }),
      };
    }

    function rightsOf(template: string, role: string): RoleRights {
      const deployed = templates[template];
      const id = deployed?.idsOf('AWS::IAM::Role').find((one) => one.startsWith(`ServicesRoles${role}`));
      if (!deployed || id === undefined) throw new Error(`${template} has no role ${role}`);
      const rights = deployed.rightsOf(id);
      return template === 'pool' ? rights : { ...rights, boundary };
    }

    const sessionOf = ({ role = '', given, tenant }: Task) => {
      const config = {
        accessKeyId: given.AccessKeyId,
        secretAccessKey: given.SecretAccessKey,
        sessionToken: given.Token,
      };
      return createSessionStart(new STSClient(clientConfig(account(), config)), role)(tenant || TENANT);
    };

    test('is made by a task of each service, in each home', () => {
      for (const { tenant } of HOMES) {
        expect(
          tasksOf(tenant)
            .map(({ service }) => service)
            .sort(),
        ).toEqual([...SERVICES].sort());
      }
    });

    test.each(HOMES)(
      "SE-1.6, SE-1.7: in $title, a tenant's session reaches the tenant's own keys in its service's table only",
      async ({ tenant }) => {
        const keeping = tasksOf(tenant).filter(({ service }) => !WITHOUT_TABLE.includes(service));
        const found = keeping.map(async (task) => {
          const role = `${tenant === OTHER_TENANT ? 'tasks' : task.service}${task.service}Data`;
          const session = await sessionOf(task);
          const other = keeping.find(({ table }) => table !== task.table)?.table ?? '';
          return {
            own: await opinions(task, role, { tableName: task.table ?? '', session }),
            // With its own key; a session of the silo's or the pool's other service would be allowed that.
            other: await opinions(task, role, { tableName: other, session, kinds: ['own'] }),
          };
        });
        const expected = { own: agreed(OF_THE_TENANT), other: agreed([]) };
        expect(await Promise.all(found)).toEqual(keeping.map(() => expected));
        expect(keeping.length).toBeGreaterThan(1);
      },
    );

    test.each(HOMES)("SE-1.6: in $title, the task's own role reaches no table", async ({ tenant }) => {
      const table = tasksOf(tenant).find((task) => task.table !== undefined)?.table ?? '';
      const found = tasksOf(tenant).map((task) => {
        const role = `${tenant === OTHER_TENANT ? 'tasks' : task.service}Task`;
        return opinions(task, role, { tableName: task.table ?? table });
      });
      expect(await Promise.all(found)).toEqual(SERVICES.map(() => agreed([])));
    });
  });
}

function readTemplates(pool: PoolTasks): Readonly<Record<string, DeployedTemplate>> {
  const texts = synthesizeSiloTemplates({ environmentName: 'main', configuration: configurationOf() });
  const silo = HOMES.filter(({ tenant }) => tenant !== '').map(({ template, tenant }) => {
    const values = { stackName: `${PREFIX}-silo-${tenant}`, parameters: { TenantId: tenant } };
    return [template, new DeployedTemplate(parse(texts[template] ?? '{}') as Template, values)] as const;
  });
  return { pool: new DeployedTemplate(pool.template as Template, { stackName: 'pool' }), ...Object.fromEntries(silo) };
}

function agreed(cells: readonly Cell[]): Opinions {
  return { called: [...cells], evaluated: [...cells] };
}

/** The boundary of silo tenants' roles, which is in another stack. */
function readBoundary(): PolicyDocument {
  const platform = new DeployedTemplate(JSON.parse(platformTemplate()) as Template, { stackName: 'platform' });
  const [id = ''] = platform.idsOf('AWS::IAM::ManagedPolicy');
  return platform.propertiesOf(id).PolicyDocument as PolicyDocument;
}
