import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { RegistrationCreated, RegistrationUpdated, Tenant } from '../control-plane/api/tenants/responses.ts';
import { defined } from '../core/defined.ts';
import { slugOf } from '../core/fields/slug.ts';
import type { Step } from '../core/progress/step.ts';
import { TENANT_STATES } from '../core/tenant/lifecycle.ts';
import { PACKINGS } from '../core/tier/tiers.ts';
import { TIER_NAMES } from '../tenant-templates/tiers.ts';
import { confirmByName } from './confirm.ts';
import { type CliContext, contextOf, examples, wholeNumber } from './context.ts';
import { ControlPlane } from './control-plane.ts';
import { CliError } from './exit-codes.ts';
import { addListOptions, itemsToList, PAGE_SIZE } from './list.ts';
import { printFields, printJson, printLine, printTable } from './output.ts';
import { addTenantInvite } from './tenant-invitation.ts';
import { addTenantPlan } from './tenant-plan.ts';
import { updateRelease } from './tenant-release.ts';
import { watchTenant } from './watch-tenant.ts';

const timeout = wholeNumber('--timeout', 1, 3_600);

export function addTenantCommands(program: Command): void {
  const tenants = program
    .command('tenants')
    .description('onboard, list, change and offboard tenants')
    .addHelpText('after', examples('tenants list', 'tenants create --help'));
  addCreate(tenants);
  addList(tenants);
  addGet(tenants);
  addWatch(tenants);
  addTenantPlan(tenants);
  addUpdate(tenants);
  addRetry(tenants);
  addTenantInvite(tenants);
  addDelete(tenants);
}

function addCreate(tenants: Command): void {
  tenants
    .command('create')
    .description('register a tenant and provision what its tier promises')
    .requiredOption('--name <name>', '2 to 63 characters of any script, with a letter or digit')
    .requiredOption('--email <email>', "email of the tenant's first admin")
    .requiredOption('--tier <tier>', TIER_NAMES.join(', '))
    .option('--packing <packing>', `on AWS, tiers with services of their own: ${PACKINGS.join(' or ')}`)
    .option('--ec2', 'on AWS, as for --packing: run the tasks on EC2 instances')
    .option('--admin-password <password>', "the admin's password; default: an invitation is mailed")
    .option('--wait', 'wait until the tenant is active')
    .option('--timeout <seconds>', 'how long --wait waits', timeout, 180)
    .addHelpText(
      'after',
      examples(
        'tenants create --name "Acme Inc" --email admin@acme.example --tier basic --wait',
        'tenants create --name Globex --email it@globex.example --tier premium --admin-password "S3cret-pass!" --wait --json',
      ),
    )
    .action(async (options, command: Command) => {
      const context = contextOf(command);
      const controlPlane = await ControlPlane.open(context);
      const { data } = await register(controlPlane, options);
      if (options.wait) {
        const tenant = await watchTenant(controlPlane, data.tenantId, {
          announcement: `${options.name} is registered as ${data.tenantId}; provisioning ...`,
          until: ['active'],
          timeoutMs: options.timeout * 1000,
        });
        print(context, tenant, `${tenant.tenantName} is active (${tenant.tier}, ${tenant.tenantId})`);
        return;
      }
      const follow = `\`${context.tierplane} tenants watch "${options.name}"\` follows its progress`;
      print(context, data, `${options.name} is registered as ${data.tenantId}; ${follow}`);
    });
}

interface NewTenant {
  readonly name: string;
  readonly email: string;
  readonly tier: string;
  readonly packing?: string;
  readonly ec2?: boolean;
  readonly adminPassword?: string;
}

function register(
  controlPlane: ControlPlane,
  { name, email, tier, packing, ec2, adminPassword }: NewTenant,
): Promise<RegistrationCreated> {
  const body = {
    tenantData: { tenantName: name, email, tier, ...defined({ packing, useEc2: ec2 }) },
    tenantRegistrationData: {},
    ...(adminPassword !== undefined && { adminPassword }),
  };
  return controlPlane.call('POST', '/tenant-registrations', body, {
    headers: { 'idempotency-key': randomUUID() },
    hints: { 409: `choose another; \`${controlPlane.tierplane} tenants list\` shows all tenants` },
  });
}

/** Prints `text`, or `value` with --json. */
function print({ json }: CliContext, value: unknown, text: string): void {
  if (json) printJson(value);
  else printLine(text);
}

function addList(tenants: Command): void {
  addListOptions(tenants.command('list'))
    .description('tenants, in order of name')
    .option('--state <state>', `only tenants in this state: ${TENANT_STATES.join(', ')}`)
    .option('--tier <tier>', `only tenants of this tier: ${TIER_NAMES.join(', ')}`)
    .option('--name <prefix>', 'only tenants whose name begins with this')
    .option('--deleted', 'include deleted tenants')
    .addHelpText('after', examples('tenants list', 'tenants list --tier premium --json', 'tenants list --limit 20'))
    .action(async (options, command: Command) => {
      const context = contextOf(command);
      const tenantsFound = findTenants(await ControlPlane.open(context), options);
      const found = await itemsToList(tenantsFound, options, 'tenants');
      if (context.json) return printJson(found);
      printTable(
        ['name', 'tier', 'state', 'id', 'admin', 'reason'],
        found.map((one) => [one.tenantName, one.tier, one.state, one.tenantId, one.email, one.reason ?? '']),
        options.state || options.tier || options.name
          ? 'no tenants match'
          : `no tenants yet; \`${context.tierplane} tenants create --help\` shows how to onboard one`,
      );
    });
}

interface TenantFilter {
  readonly state?: string;
  readonly tier?: string;
  readonly name?: string;
  readonly deleted?: boolean;
}

function findTenants(controlPlane: ControlPlane, filter: TenantFilter): AsyncIterable<Tenant> {
  const query = new URLSearchParams({
    ...(filter.state && { state: filter.state }),
    ...(filter.tier && { tier: filter.tier }),
    ...(filter.name && { name: slugOf(filter.name) }),
    ...(filter.deleted && { include: 'deleted' }),
  });
  return controlPlane.list<Tenant>(`/tenants?${query}`, PAGE_SIZE);
}

function addGet(tenants: Command): void {
  tenants
    .command('get <tenant>')
    .description('one tenant, by name or id')
    .addHelpText('after', examples('tenants get acme', 'tenants get "Acme Inc" --json'))
    .action(async (name: string, _options, command: Command) => {
      const context = contextOf(command);
      const tenant = await (await ControlPlane.open(context)).tenant(name);
      if (context.json) return printJson(tenant);
      const { tenantName, tenantId, tier, state, reason, email, created, tenantRegistrationId } = tenant;
      printFields({
        name: tenantName,
        id: tenantId,
        tier,
        state,
        reason,
        actions: tenant.actions.flatMap((one) => (one.allowed ? [one.name] : [])).join(', '),
        steps: stepsInWords(tenant.steps ?? []),
        admin: email,
        created,
        registration: tenantRegistrationId,
      });
    });
}

/** `9 done, 1 failed (create route: ...)` */
function stepsInWords(steps: readonly Step[]): string {
  const failed = steps.filter((step) => step.status === 'failed');
  const words = failed.map((step) => `${step.name}: ${step.reason ?? 'no reason given'}`);
  const done = steps.filter((step) => step.status === 'done').length;
  return [
    ...(done > 0 ? [`${done} done`] : []),
    ...(failed.length > 0 ? [`${failed.length} failed (${words.join('; ')})`] : []),
  ].join(', ');
}

function addWatch(tenants: Command): void {
  tenants
    .command('watch <tenant>')
    .description('show progress until no operation of the tenant is in progress')
    .option('--timeout <seconds>', 'how long to wait', timeout, 180)
    .addHelpText('after', examples('tenants watch acme', 'tenants watch acme --timeout 30 --json'))
    .action(async (name: string, options, command: Command) => {
      const context = contextOf(command);
      const controlPlane = await ControlPlane.open(context);
      const { tenantId } = await controlPlane.tenant(name);
      const tenant = await watchTenant(controlPlane, tenantId, {
        until: ['active', 'suspended', 'deleted'],
        timeoutMs: options.timeout * 1000,
      });
      print(context, tenant, `${tenant.tenantName} is ${tenant.state}`);
    });
}

function addUpdate(tenants: Command): void {
  tenants
    .command('update <tenant>')
    .description(
      "change name, contact and settings, or the release of the tenant's services; credentials stay the same",
    )
    .option('--name <name>', 'new name')
    .option('--email <email>', "new contact; the admin's own sign-in stays the same")
    .option('--set <key=value...>', 'set a custom field; an empty value is stored as it is')
    .option('--unset <key...>', 'remove a custom field')
    .option(
      '--release [release]',
      "update the tenant's services to the platform's release, which this must be if given",
    )
    .option('--wait', 'with --release: wait until the tenant runs it')
    .option('--timeout <seconds>', 'how long --wait waits', timeout, 900)
    .addHelpText(
      'after',
      examples(
        'tenants update acme --set contact=jo@acme.example --set region=eu',
        'tenants update acme --unset region',
        'tenants update globex --release --wait',
      ),
    )
    .action(async (name: string, options, command: Command) => {
      const context = contextOf(command);
      const tenantData = {
        ...(options.name === undefined ? {} : { tenantName: options.name }),
        ...(options.email === undefined ? {} : { email: options.email }),
        ...parsePairs(options.set ?? []),
        ...Object.fromEntries((options.unset ?? []).map((key: string) => [key, null])),
      };
      if (Object.keys(tenantData).length === 0 && options.release === undefined) {
        throw new CliError('usage', 'nothing to change; give --name, --email, --set, --unset or --release');
      }
      if (Object.keys(tenantData).length > 0 && options.release !== undefined) {
        throw new CliError('usage', '--release cannot be combined with other changes');
      }
      const controlPlane = await ControlPlane.open(context);
      const tenant = await controlPlane.tenant(name);
      if (options.release !== undefined) return updateRelease(context, controlPlane, tenant, options);
      const path = `/tenant-registrations/${tenant.tenantRegistrationId}`;
      const { data } = await controlPlane.call<RegistrationUpdated>('PATCH', path, { tenantData });
      print(context, data.tenant, `${data.tenant?.tenantName ?? name} is updated`);
    });
}

function parsePairs(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new CliError('usage', `--set must be key=value, got '${pair}'`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

function addRetry(tenants: Command): void {
  tenants
    .command('retry <tenant>')
    .description('retry a failed onboarding or offboarding')
    .option('--wait', 'wait until the retry is complete')
    .option('--timeout <seconds>', 'how long --wait waits', timeout, 180)
    .addHelpText('after', examples('tenants retry acme --wait'))
    .action(async (name: string, options, command: Command) => {
      const context = contextOf(command);
      const controlPlane = await ControlPlane.open(context);
      const tenant = await controlPlane.tenant(name);
      const path = `/tenant-registrations/${tenant.tenantRegistrationId}/retry`;
      const response = await controlPlane.call('POST', path);
      if (!options.wait) {
        print(context, response, `retrying ${tenant.tenantName}`);
        return;
      }
      const done = await watchTenant(controlPlane, tenant.tenantId, {
        until: ['active', 'deleted'],
        timeoutMs: options.timeout * 1000,
      });
      print(context, done, `${done.tenantName} is ${done.state}`);
    });
}

/** Throws refused with the platform's reason if the tenant does not accept the action now. */
function requireAction({ tenantName, actions }: Tenant, name: Tenant['actions'][number]['name']): void {
  const action = actions.find((one) => one.name === name);
  if (action?.allowed === false) throw new CliError('refused', `${tenantName}: ${action.reason ?? 'not possible now'}`);
}

function addDelete(tenants: Command): void {
  tenants
    .command('delete <tenant>')
    .description('offboard a tenant: delete its processes, data, users and keys for good')
    .option('--yes', 'do not ask for confirmation')
    .option('--wait', 'wait until everything is deleted')
    .option('--timeout <seconds>', 'how long --wait waits', timeout, 180)
    .addHelpText('after', examples('tenants delete acme --yes --wait'))
    .action(async (name: string, options, command: Command) => {
      const context = contextOf(command);
      const controlPlane = await ControlPlane.open(context);
      const tenant = await controlPlane.tenant(name);
      requireAction(tenant, 'delete');
      if (!options.yes) {
        await confirmByName(
          tenant.tenantName,
          `This deletes every process, item and user of '${tenant.tenantName}' for good.`,
        );
      }
      await controlPlane.call('DELETE', `/tenant-registrations/${tenant.tenantRegistrationId}`);
      if (!options.wait) {
        const follow = `\`${context.tierplane} tenants watch ${tenant.tenantId}\` follows its progress`;
        const state = { tenantId: tenant.tenantId, state: 'deprovisioning' };
        print(context, state, `deleting ${tenant.tenantName}; ${follow}`);
        return;
      }
      const deleted = await watchTenant(controlPlane, tenant.tenantId, {
        until: ['deleted'],
        timeoutMs: options.timeout * 1000,
      });
      print(context, deleted, `${tenant.tenantName} is deleted`);
    });
}
