import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import type { RegistrationCreated, RegistrationUpdated, Tenant } from '../control-plane/api/tenants/responses.ts';
import { type Step, TENANT_STATES } from '../core/tenant/lifecycle.ts';
import { slugOf } from '../core/tenant/names.ts';
import { TIER_NAMES } from '../tenant-templates/tiers.ts';
import { contextOf, examples, wholeNumber } from './context.ts';
import { ControlPlane } from './control-plane.ts';
import { CliError } from './exit-codes.ts';
import { note, printFields, printJson, printLine, printTable } from './output.ts';
import { watchTenant } from './watch-tenant.ts';

const timeout = wholeNumber('--timeout', 1, 3_600);

export function addTenantCommands(program: Command): void {
  const tenants = program
    .command('tenants')
    .description('onboard, see, change and offboard tenants')
    .addHelpText('after', examples('tenants list', 'tenants create --help'));
  addCreate(tenants);
  addList(tenants);
  addGet(tenants);
  addWatch(tenants);
  addUpdate(tenants);
  addRetry(tenants);
  addDelete(tenants);
}

function addCreate(tenants: Command): void {
  tenants
    .command('create')
    .description('register a tenant; its compute follows its tier')
    .requiredOption('--name <name>', '2 to 63 letters, digits, spaces, . _ -')
    .requiredOption('--email <email>', "the tenant's first admin")
    .requiredOption('--tier <tier>', TIER_NAMES.join(', '))
    .option('--admin-password <password>', 'the admin can sign in at once; without it an invitation is mailed')
    .option('--wait', 'until the tenant is active')
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
      const controlPlane = new ControlPlane(context);
      const { data } = await controlPlane.call<RegistrationCreated>(
        'POST',
        '/tenant-registrations',
        {
          tenantData: { tenantName: options.name, email: options.email, tier: options.tier },
          tenantRegistrationData: {},
          ...(options.adminPassword === undefined ? {} : { adminPassword: options.adminPassword }),
        },
        { 'idempotency-key': randomUUID() },
      );
      if (options.wait) {
        note(`${options.name} is registered as ${data.tenantId}; provisioning ...`);
        const tenant = await watchTenant(controlPlane, data.tenantId, {
          until: ['active'],
          timeoutMs: options.timeout * 1000,
        });
        if (context.json) printJson(tenant);
        else printLine(`${tenant.tenantName} is active (${tenant.tier}, ${tenant.tenantId})`);
        return;
      }
      if (context.json) printJson(data);
      else
        printLine(
          `${options.name} is registered as ${data.tenantId}; \`${context.tierplane} tenants watch "${options.name}"\` follows it`,
        );
    });
}

function addList(tenants: Command): void {
  tenants
    .command('list')
    .description('tenants in order of name')
    .option('--state <state>', `only those in this state: ${TENANT_STATES.join(', ')}`)
    .option('--tier <tier>', `only those of this tier: ${TIER_NAMES.join(', ')}`)
    .option('--name <prefix>', 'only those whose name begins so')
    .option('--deleted', 'deleted ones, too')
    .option('--limit <count>', 'at most so many', wholeNumber('--limit', 1, 100_000), 1_000)
    .addHelpText('after', examples('tenants list', 'tenants list --tier premium --json'))
    .action(async (options, command: Command) => {
      const context = contextOf(command);
      const query = new URLSearchParams();
      if (options.state) query.set('state', options.state);
      if (options.tier) query.set('tier', options.tier);
      if (options.name) query.set('name', slugOf(options.name));
      if (options.deleted) query.set('include', 'deleted');
      const found: Tenant[] = [];
      for await (const tenant of new ControlPlane(context).list<Tenant>(
        `/tenants?${query}`,
        Math.min(options.limit, 100),
      )) {
        found.push(tenant);
        if (found.length >= options.limit) break;
      }
      if (context.json) return printJson(found);
      printTable(
        ['name', 'tier', 'state', 'id', 'admin', 'reason'],
        found.map((one) => [one.tenantName, one.tier, one.state, one.tenantId, one.email, one.reason ?? '']),
        options.state || options.tier || options.name
          ? 'no tenant fits'
          : `no tenant yet; \`${context.tierplane} tenants create --help\` shows how to onboard one`,
      );
    });
}

function addGet(tenants: Command): void {
  tenants
    .command('get <tenant>')
    .description('one tenant, by name or id')
    .addHelpText('after', examples('tenants get acme', 'tenants get "Acme Inc" --json'))
    .action(async (name: string, _options, command: Command) => {
      const context = contextOf(command);
      const tenant = await new ControlPlane(context).tenant(name);
      if (context.json) return printJson(tenant);
      const { tenantName, tenantId, tier, state, reason, email, created, tenantRegistrationId } = tenant;
      printFields({
        name: tenantName,
        id: tenantId,
        tier,
        state,
        reason,
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
    .description('follow a tenant until nothing is under way any more')
    .option('--timeout <seconds>', 'how long', timeout, 180)
    .addHelpText('after', examples('tenants watch acme', 'tenants watch acme --timeout 30 --json'))
    .action(async (name: string, options, command: Command) => {
      const context = contextOf(command);
      const controlPlane = new ControlPlane(context);
      const { tenantId } = await controlPlane.tenant(name);
      const tenant = await watchTenant(controlPlane, tenantId, {
        until: ['active', 'suspended', 'deleted'],
        timeoutMs: options.timeout * 1000,
      });
      if (context.json) printJson(tenant);
      else printLine(`${tenant.tenantName} is ${tenant.state}`);
    });
}

function addUpdate(tenants: Command): void {
  tenants
    .command('update <tenant>')
    .description('change what the customer may change; credentials stay')
    .option('--name <name>', 'new name')
    .option('--email <email>', "new contact; the admin's own sign-in stays")
    .option('--set <key=value...>', 'a key of your own; an empty value removes nothing, it is stored')
    .addHelpText('after', examples('tenants update acme --set contact=jo@acme.example --set region=eu'))
    .action(async (name: string, options, command: Command) => {
      const context = contextOf(command);
      const tenantData = {
        ...(options.name === undefined ? {} : { tenantName: options.name }),
        ...(options.email === undefined ? {} : { email: options.email }),
        ...parsePairs(options.set ?? []),
      };
      if (Object.keys(tenantData).length === 0) {
        throw new CliError('usage', 'nothing to change: give --name, --email or --set');
      }
      const controlPlane = new ControlPlane(context);
      const tenant = await controlPlane.tenant(name);
      const path = `/tenant-registrations/${tenant.tenantRegistrationId}`;
      const { data } = await controlPlane.call<RegistrationUpdated>('PATCH', path, { tenantData });
      if (context.json) printJson(data.tenant);
      else printLine(`${data.tenant?.tenantName} is updated`);
    });
}

function parsePairs(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new CliError('usage', `--set takes key=value, got '${pair}'`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

function addRetry(tenants: Command): void {
  tenants
    .command('retry <tenant>')
    .description('try a failed onboarding or offboarding again')
    .option('--wait', 'until it is done')
    .option('--timeout <seconds>', 'how long --wait waits', timeout, 180)
    .addHelpText('after', examples('tenants retry acme --wait'))
    .action(async (name: string, options, command: Command) => {
      const context = contextOf(command);
      const controlPlane = new ControlPlane(context);
      const tenant = await controlPlane.tenant(name);
      const answer = await controlPlane.call('POST', `/tenant-registrations/${tenant.tenantRegistrationId}/retry`);
      if (!options.wait) {
        if (context.json) printJson(answer);
        else printLine(`${tenant.tenantName} is tried again`);
        return;
      }
      const done = await watchTenant(controlPlane, tenant.tenantId, {
        until: ['active', 'deleted'],
        timeoutMs: options.timeout * 1000,
      });
      if (context.json) printJson(done);
      else printLine(`${done.tenantName} is ${done.state}`);
    });
}

function addDelete(tenants: Command): void {
  tenants
    .command('delete <tenant>')
    .description('offboard a tenant: its processes, data, users and keys are removed for good')
    .option('--yes', 'do not ask for the name')
    .option('--wait', 'until everything is removed')
    .option('--timeout <seconds>', 'how long --wait waits', timeout, 180)
    .addHelpText('after', examples('tenants delete acme --yes --wait'))
    .action(async (name: string, options, command: Command) => {
      const context = contextOf(command);
      const controlPlane = new ControlPlane(context);
      const tenant = await controlPlane.tenant(name);
      if (!options.yes) await confirmByName(tenant);
      await controlPlane.call('DELETE', `/tenant-registrations/${tenant.tenantRegistrationId}`);
      if (!options.wait) {
        if (context.json) printJson({ tenantId: tenant.tenantId, state: 'deprovisioning' });
        else
          printLine(
            `${tenant.tenantName} is being removed; \`${context.tierplane} tenants watch ${tenant.tenantId}\` follows it`,
          );
        return;
      }
      const gone = await watchTenant(controlPlane, tenant.tenantId, {
        until: ['deleted'],
        timeoutMs: options.timeout * 1000,
      });
      if (context.json) printJson(gone);
      else printLine(`${tenant.tenantName} is deleted`);
    });
}

async function confirmByName(tenant: Tenant): Promise<void> {
  if (!process.stdin.isTTY) throw new CliError('usage', 'deleting a tenant needs --yes where nobody can be asked');
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-C and Ctrl-D close the prompt, and its question then stays unanswered for ever.
  const closed = once(prompt, 'close').then(() => undefined);
  const typed = await Promise.race([
    prompt.question(
      `This removes every process, item and user of '${tenant.tenantName}' for good.\nType its name to go on: `,
    ),
    closed,
  ]).catch(() => undefined);
  prompt.close();
  if (typed === undefined) {
    note('');
    throw new CliError('interrupted', 'nothing was removed');
  }
  if (typed.trim() !== tenant.tenantName) throw new CliError('usage', 'that is not its name; nothing was removed');
}
