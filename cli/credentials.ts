import type { Command } from 'commander';
import type { CredentialCreated, CredentialList } from '../control-plane/api/users/credentials.ts';
import { ADMIN_SCOPES } from '../core/identity/issuers.ts';
import { confirmByName } from './confirm.ts';
import { contextOf, examples } from './context.ts';
import { ControlPlane } from './control-plane.ts';
import { note, printFields, printJson, printLine, printTable } from './output.ts';

export function addCredentialCommands(program: Command): void {
  const credentials = program
    .command('credentials')
    .description('client credentials with which scripts use the platform')
    .addHelpText('after', examples('credentials create deploy', 'credentials list'));
  addCreate(credentials);
  addList(credentials);
  addDelete(credentials);
}

function addCreate(credentials: Command): void {
  credentials
    .command('create <name>')
    .description('create a credential; its secret is shown once')
    .option('--scope <scopes...>', `what it may do; default: all of ${ADMIN_SCOPES.join(', ')}`)
    .addHelpText(
      'after',
      examples('credentials create deploy', 'credentials create report --scope tenant/tenant_read --json'),
    )
    .action(async (name: string, options: { scope?: string[] }, command: Command) => {
      const context = contextOf(command);
      const controlPlane = await ControlPlane.open(context);
      const body = { name, ...(options.scope && { scopes: options.scope }) };
      const { data } = await controlPlane.call<CredentialCreated>('POST', '/credentials', body);
      if (context.json) return printJson(data);
      printFields({
        TIERPLANE_URL: controlPlane.access.name,
        TIERPLANE_CLIENT_ID: data.clientId,
        TIERPLANE_CLIENT_SECRET: data.clientSecret,
      });
      note('store the secret now: it is not shown again');
    });
}

function addList(credentials: Command): void {
  credentials
    .command('list')
    .description('all credentials, without their secrets')
    .addHelpText('after', examples('credentials list', 'credentials list --json'))
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const { data } = await (await ControlPlane.open(context)).call<CredentialList>('GET', '/credentials');
      if (context.json) return printJson(data);
      printTable(
        ['client id', 'name', 'scopes', 'created', 'by'],
        data.map((one) => [one.clientId, one.name, one.scopes.join(' '), one.created, one.createdBy]),
        'no credentials',
      );
    });
}

function addDelete(credentials: Command): void {
  credentials
    .command('delete <clientId>')
    .description('delete a credential; its tokens stop working at once')
    .option('--yes', 'do not ask for confirmation')
    .addHelpText('after', examples('credentials delete credential-01k... --yes'))
    .action(async (clientId: string, options: { yes?: boolean }, command: Command) => {
      const context = contextOf(command);
      const controlPlane = await ControlPlane.open(context);
      if (!options.yes) await confirmByName(clientId, `This ends the access of every script that uses '${clientId}'.`);
      const hints = { 404: `\`${context.tierplane} credentials list\` shows all credentials` };
      const path = `/credentials/${encodeURIComponent(clientId)}`;
      const response = await controlPlane.call('DELETE', path, undefined, { hints });
      if (context.json) printJson(response);
      else printLine(`${clientId} is deleted`);
    });
}
