import type { Command } from 'commander';
import type { ServiceStatus } from '../control-plane/api/operator/schemas.ts';
import type { Tenant } from '../control-plane/api/tenants/responses.ts';
import { SERVICES } from '../tenant-templates/tiers.ts';
import { contextOf, examples, wholeNumber } from './context.ts';
import { ControlPlane } from './control-plane.ts';
import { CliError } from './exit-codes.ts';
import { printJson, printLine, printTable } from './output.ts';
import { rollOut, servicesOf } from './roll-out.ts';

interface Selection {
  readonly tenant?: string;
  readonly service?: string;
}

export function addServiceCommands(program: Command): void {
  const services = program
    .command('services')
    .description('microservices of the pool and of the tenants')
    .addHelpText('after', examples('services list', 'services restart --tenant globex'));
  addList(services);
  addRestart(services);
  addScale(services);
}

function addList(services: Command): void {
  services
    .command('list')
    .description('all services with their tasks')
    .option('--tenant <tenant>', "only this tenant's own services")
    .option('--service <name>', 'only services of this name')
    .addHelpText('after', examples('services list', 'services list --tenant globex --service orders --json'))
    .action(async (options: Selection, command: Command) => {
      const context = contextOf(command);
      const controlPlane = await ControlPlane.open(context);
      if (context.json) return printJson(await select(controlPlane, options));
      await printServices(controlPlane, options);
    });
}

function addRestart(services: Command): void {
  services
    .command('restart')
    .description('replace tasks one by one without failed requests: each new task is healthy before an old one drains')
    .option('--tenant <tenant>', "this tenant's own services; default: the pooled ones")
    .option('--service <name>', 'only this service')
    .addHelpText('after', examples('services restart', 'services restart --tenant globex --service orders'))
    .action(async (options: Selection, command: Command) => {
      const context = contextOf(command);
      const controlPlane = await ControlPlane.open(context);
      const chosen = await selectOwnOrPooled(controlPlane, options);
      for (const { cluster, tenantId, service, desired, tasks } of chosen) {
        const key = { cluster, tenantId, service };
        const old = tasks.map((task) => task.taskId);
        await rollOut(controlPlane, {
          key,
          doing: `replacing the tasks of ${cluster}/${service}`,
          request: () => controlPlane.call('POST', '/operator/services/restart', key),
          isNew: ({ taskId }) => !old.includes(taskId),
          desired,
        });
        if (!context.json) printLine(`${cluster}/${service} is restarted`);
      }
      if (context.json) printJson({ restarted: chosen.length });
    });
}

function addScale(services: Command): void {
  services
    .command('scale')
    .description('set the number of tasks of a service')
    .option('--tenant <tenant>', "this tenant's own service; default: the pooled one")
    .requiredOption('--service <name>', 'the service')
    .requiredOption('--desired <count>', 'number of tasks', wholeNumber('--desired', 0, 16))
    .addHelpText('after', examples('services scale --tenant globex --service products --desired 2'))
    .action(async (options: Selection & { desired: number }, command: Command) => {
      const context = contextOf(command);
      const controlPlane = await ControlPlane.open(context);
      for (const { cluster, tenantId, service } of await selectOwnOrPooled(controlPlane, options)) {
        const key = { cluster, tenantId, service };
        const body = { ...key, desired: options.desired };
        await rollOut(controlPlane, {
          key,
          doing: `scaling ${cluster}/${service}`,
          request: () => controlPlane.call('POST', '/operator/services/scale', body),
          isNew: () => true,
          desired: options.desired,
        });
        if (context.json) printJson(body);
        else printLine(`${cluster}/${service} has ${options.desired} task(s)`);
      }
    });
}

/** Services with their tasks, of one tenant or one name where the selection says so. */
export async function select(
  controlPlane: ControlPlane,
  { tenant, service }: Selection = {},
): Promise<ServiceStatus[]> {
  const known: readonly string[] = SERVICES;
  if (service !== undefined && !known.includes(service)) {
    throw new CliError('refused', `the service must be one of ${known.join(', ')}, got '${service}'`);
  }
  const tenantId = tenant === undefined ? undefined : (await controlPlane.tenant(tenant)).tenantId;
  const found = await servicesOf(controlPlane, tenantId === undefined ? undefined : `tenantId=${tenantId}`);
  return found.filter((one) => service === undefined || one.service === service);
}

async function selectOwnOrPooled(controlPlane: ControlPlane, selection: Selection): Promise<ServiceStatus[]> {
  const found = await select(controlPlane, selection);
  const chosen = selection.tenant === undefined ? found.filter((one) => one.tenantId === null) : found;
  if (chosen.length > 0) return chosen;
  throw new CliError('refused', noServiceOf(selection.tenant), { hint: 'omit --tenant to select the pooled services' });
}

function noServiceOf(tenant: string | undefined): string {
  if (tenant === undefined) return 'no services';
  return `'${tenant}' has no service of its own: it shares the pooled services`;
}

/** A column of the table of services: its heading, and its text for a service. */
type Column = readonly [heading: string, text: (one: ServiceStatus) => string];

const healthy: Column = [
  'healthy',
  ({ tasks, desired }) => `${tasks.filter(({ state }) => state === 'healthy').length}/${desired}`,
];
const restarts: Column = ['restarts', (one) => String(one.restarts)];

const ON_THIS_MACHINE: readonly Column[] = [
  healthy,
  ['pids', ({ tasks }) => tasks.map(({ pid }) => pid).join(',')],
  ['memory', ({ tasks }) => memoryOf(tasks)],
  restarts,
  ['uid', ({ uid }) => (uid === undefined ? 'shared' : String(uid))],
  ['last failure', ({ lastFailure }) => lastFailure ?? ''],
];

const ON_AWS: readonly Column[] = [
  healthy,
  ['address', ({ tasks }) => tasks.map(({ endpoint }) => endpoint.replace(/^http:\/\//, '')).join(',')],
  ['security group', ({ securityGroups = [] }) => securityGroups.join(',')],
  ['ecs cluster', ({ clusterName = '' }) => clusterName],
  ['task', ({ tasks }) => tasks.map(({ taskId }) => taskId).join(',')],
  restarts,
];

function memoryOf(tasks: ServiceStatus['tasks']): string {
  const bytes = tasks.reduce((sum, task) => sum + (task.rssBytes ?? 0), 0);
  return bytes > 0 ? `${Math.round(bytes / 2 ** 20)} MiB` : '';
}

function columnsOf(found: readonly ServiceStatus[], names: ReadonlyMap<string, string>): readonly Column[] {
  const isOnAws = found.some(({ clusterName }) => clusterName !== undefined);
  return [
    ['cluster', ({ cluster }) => cluster],
    ['tenant', ({ tenantId }) => (tenantId === null ? 'all pooled tenants' : (names.get(tenantId) ?? tenantId))],
    ['service', ({ service }) => service],
    ...(isOnAws ? ON_AWS : ON_THIS_MACHINE),
  ];
}

/** The names of the tenants of these services, by id. */
async function namesOf(controlPlane: ControlPlane, found: readonly ServiceStatus[]): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  if (found.every((one) => one.tenantId === null)) return names;
  for await (const one of controlPlane.list<Tenant>('/tenants', 100)) names.set(one.tenantId, one.tenantName);
  return names;
}

/** The table of services; `status` ends with it. On AWS it names what an operator needs to find a task there. */
export async function printServices(controlPlane: ControlPlane, selection: Selection = {}): Promise<void> {
  const found = await select(controlPlane, selection);
  const names = await namesOf(controlPlane, found);
  const columns = columnsOf(found, names);
  printTable(
    columns.map(([heading]) => heading),
    found.map((one) => columns.map(([, text]) => text(one))),
    noServiceOf(selection.tenant),
  );
}
