import type { Command } from 'commander';
import type { ListedSystemUser, SystemUser } from '../control-plane/api/users/schemas.ts';
import { type CliContext, contextOf, examples } from './context.ts';
import { ControlPlane } from './control-plane.ts';
import { printFields, printJson, printLine, printTable } from './output.ts';

export function addUserCommands(program: Command): void {
  const users = program
    .command('users')
    .description('system users: who may run the platform')
    .addHelpText('after', examples('users list', 'users create jo --email jo@example.com'));
  users
    .command('create <userName>')
    .description('create a system user; an invitation is mailed')
    .requiredOption('--email <email>', 'where the invitation goes')
    .option('--role <role>', 'any name; only SystemAdmin may change anything', 'SystemAdmin')
    .addHelpText('after', examples('users create jo --email jo@example.com --role CustomerSupport'))
    .action(async (userName: string, options, command: Command) => {
      const body = { userName, email: options.email, userRole: options.role };
      await act(contextOf(command), 'POST', '/users', body, `${userName} is created; the invitation is in the mail`);
    });
  users
    .command('list')
    .description('all system users')
    .addHelpText('after', examples('users list', 'users list --json'))
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const found: ListedSystemUser[] = [];
      for await (const user of new ControlPlane(context).list<ListedSystemUser>('/users', 60)) found.push(user);
      if (context.json) return printJson(found);
      printTable(
        ['user', 'email', 'role', 'status', 'enabled', 'created'],
        found.map((one) => [one.userName, one.email, one.userRole, one.status, String(one.enabled), one.created]),
        'no system user',
      );
    });
  users
    .command('get <userName>')
    .description('one system user')
    .addHelpText('after', examples('users get jo'))
    .action(async (userName: string, _options, command: Command) => {
      const context = contextOf(command);
      const { data } = await new ControlPlane(context).call<{ data: SystemUser }>('GET', pathOf(userName));
      if (context.json) return printJson(data);
      printFields({ ...data });
    });
  users
    .command('update <userName>')
    .description('change email and role')
    .requiredOption('--email <email>', 'new one, or the same')
    .requiredOption('--role <role>', 'new one, or the same')
    .addHelpText('after', examples('users update jo --email jo@example.org --role SystemAdmin'))
    .action(async (userName: string, options, command: Command) => {
      const body = { email: options.email, userRole: options.role };
      await act(contextOf(command), 'PUT', pathOf(userName), body, `${userName} is updated`);
    });
  for (const verb of ['enable', 'disable'] as const) {
    users
      .command(`${verb} <userName>`)
      .description(verb === 'enable' ? 'let a user sign in again' : 'keep a user out; nothing is deleted')
      .addHelpText('after', examples(`users ${verb} jo`))
      .action((userName: string, _options, command: Command) =>
        act(contextOf(command), 'PUT', `${pathOf(userName)}/${verb}`, undefined, `${userName} is ${verb}d`),
      );
  }
  users
    .command('delete <userName>')
    .description('remove a system user; the last SystemAdmin stays')
    .addHelpText('after', examples('users delete jo'))
    .action(async (userName: string, _options, command: Command) => {
      const context = contextOf(command);
      // The API takes an unknown user for one that is gone already; here it is more likely a misspelt name.
      await new ControlPlane(context).call('GET', pathOf(userName));
      await act(context, 'DELETE', pathOf(userName), undefined, `${userName} is deleted`);
    });
}

function pathOf(userName: string): string {
  return `/users/${encodeURIComponent(userName)}`;
}

async function act(context: CliContext, method: string, path: string, body: unknown, done: string): Promise<void> {
  const answer = await new ControlPlane(context).call(method, path, body);
  if (context.json) printJson(answer);
  else printLine(done);
}
