import type { Command } from 'commander';
import type { ListedSystemUser, SystemUser } from '../control-plane/api/users/schemas.ts';
import { confirmByName } from './confirm.ts';
import { type CliContext, contextOf, examples } from './context.ts';
import { ControlPlane, type Hints } from './control-plane.ts';
import { addListOptions, itemsToList, type ListOptions } from './list.ts';
import { printFields, printJson, printLine, printTable } from './output.ts';

/** SBT's limit. */
const USERS_PER_PAGE = 60;

export function addUserCommands(program: Command): void {
  const users = program
    .command('users')
    .description('system users, who operate the platform')
    .addHelpText('after', examples('users list', 'users create jo --email jo@example.com'));
  addCreate(users);
  addList(users);
  addGet(users);
  addUpdate(users);
  addEnableAndDisable(users);
  addDelete(users);
}

function addCreate(users: Command): void {
  users
    .command('create <userName>')
    .description('create a system user; an invitation is mailed')
    .requiredOption('--email <email>', 'where the invitation goes')
    .option('--role <role>', 'any name; only SystemAdmin may make changes', 'SystemAdmin')
    .addHelpText('after', examples('users create jo --email jo@example.com --role CustomerSupport'))
    .action(async (userName: string, options, command: Command) => {
      const body = { userName, email: options.email, userRole: options.role };
      const context = contextOf(command);
      const done = `${userName} is created and invited by mail`;
      await act(context, 'POST', '/users', body, { done, hints: takenHint(context) });
    });
}

function addList(users: Command): void {
  addListOptions(users.command('list'))
    .description('system users')
    .addHelpText('after', examples('users list', 'users list --json'))
    .action(async (options: ListOptions, command: Command) => {
      const context = contextOf(command);
      const controlPlane = await ControlPlane.open(context);
      const users = controlPlane.list<ListedSystemUser>('/users', USERS_PER_PAGE);
      const found = await itemsToList(users, options, 'system users');
      if (context.json) return printJson(found);
      printTable(
        ['user', 'email', 'role', 'status', 'enabled', 'created'],
        found.map((one) => [one.userName, one.email, one.userRole, one.status, String(one.enabled), one.created]),
        'no system users',
      );
    });
}

function addGet(users: Command): void {
  users
    .command('get <userName>')
    .description('one system user')
    .addHelpText('after', examples('users get jo'))
    .action(async (userName: string, _options, command: Command) => {
      const context = contextOf(command);
      const controlPlane = await ControlPlane.open(context);
      const { data } = await getUser(controlPlane, userName);
      if (context.json) return printJson(data);
      printFields({ ...data });
    });
}

function addUpdate(users: Command): void {
  users
    .command('update <userName>')
    .description('change the email and the role of a system user')
    .requiredOption('--email <email>', 'new or current')
    .requiredOption('--role <role>', 'new or current')
    .addHelpText('after', examples('users update jo --email jo@example.org --role SystemAdmin'))
    .action(async (userName: string, options, command: Command) => {
      const context = contextOf(command);
      const body = { email: options.email, userRole: options.role };
      const hints = { ...unknownHint(context) };
      await act(context, 'PUT', pathOf(userName), body, { done: `${userName} is updated`, hints });
    });
}

function addEnableAndDisable(users: Command): void {
  for (const verb of ['enable', 'disable'] as const) {
    users
      .command(`${verb} <userName>`)
      .description(verb === 'enable' ? 'allow a user to sign in again' : 'end all access of a user; nothing is deleted')
      .addHelpText('after', examples(`users ${verb} jo`))
      .action((userName: string, _options, command: Command) => {
        const context = contextOf(command);
        const outcome = { done: `${userName} is ${verb}d`, hints: unknownHint(context) };
        return act(context, 'PUT', `${pathOf(userName)}/${verb}`, undefined, outcome);
      });
  }
}

function addDelete(users: Command): void {
  users
    .command('delete <userName>')
    .description('delete a system user; the last SystemAdmin cannot be deleted')
    .option('--yes', 'do not ask for confirmation')
    .addHelpText('after', examples('users delete jo', 'users delete jo --yes'))
    .action(async (userName: string, options: { yes?: boolean }, command: Command) => {
      const context = contextOf(command);
      // The API responds with success for an unknown user; here the name is more likely misspelt.
      await getUser(await ControlPlane.open(context), userName);
      if (!options.yes) await confirmByName(userName, `This deletes the system user '${userName}' for good.`);
      await act(context, 'DELETE', pathOf(userName), undefined, { done: `${userName} is deleted` });
    });
}

function pathOf(userName: string): string {
  return `/users/${encodeURIComponent(userName)}`;
}

function getUser(controlPlane: ControlPlane, userName: string): Promise<{ data: SystemUser }> {
  return controlPlane.call('GET', pathOf(userName), undefined, { hints: unknownHint(controlPlane) });
}

function unknownHint({ tierplane }: Pick<CliContext, 'tierplane'>): Hints {
  return { 404: `\`${tierplane} users list\` shows all system users` };
}

function takenHint({ tierplane }: CliContext): Hints {
  return { 409: `choose another; \`${tierplane} users list\` shows all system users` };
}

/** Sends a change and prints `done`, or the response with --json. */
async function act(
  context: CliContext,
  method: string,
  path: string,
  body: unknown,
  { done, hints = {} }: { readonly done: string; readonly hints?: Hints },
): Promise<void> {
  const response = await (await ControlPlane.open(context)).call(method, path, body, { hints });
  if (context.json) printJson(response);
  else printLine(done);
}
