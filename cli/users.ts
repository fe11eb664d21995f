import type { Command } from 'commander';
import type { ListedSystemUser, SystemUser } from '../control-plane/api/users/schemas.ts';
import { confirmByName } from './confirm.ts';
import { type CliContext, contextOf, examples, localContextOf } from './context.ts';
import { ControlPlane, type Hints } from './control-plane.ts';
import { addListOptions, itemsToList, type ListOptions } from './list.ts';
import { readNewPassword } from './new-password.ts';
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
  addInvite(users);
  addSetPassword(users);
  addSignOut(users);
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

function addInvite(users: Command): void {
  users
    .command('invite <userName>')
    .description('mail a new temporary password to a user who has not signed in yet; the one before is void')
    .addHelpText('after', examples('users invite jo', 'users invite jo --json'))
    .action((userName: string, _options, command: Command) => {
      const context = contextOf(command);
      const outcome = { done: `${userName} is invited again by mail`, hints: unknownHint(context) };
      return act(context, 'POST', `${pathOf(userName)}/invitation`, undefined, outcome);
    });
}

function addSetPassword(users: Command): void {
  users
    .command('set-password <userName>')
    .description('set the password of a system user of the platform on this machine; all sessions of the user end')
    .addHelpText(
      'after',
      `\nThe command asks for the password, or reads it from standard input. No option takes it, because other users of the
machine can read the options of a command.\n${examples('users set-password jo', 'users set-password jo --json < password.txt')}`,
    )
    .action(async (userName: string, _options, command: Command) => {
      const context = localContextOf(command);
      // Before the password, so that nobody enters one in vain.
      await getUser(await ControlPlane.open(context), userName);
      const password = await readNewPassword(`New password of ${userName}`);
      const outcome = { done: `the password of ${userName} is set`, hints: unknownHint(context) };
      await act(context, 'PUT', `${pathOf(userName)}/password`, { password }, outcome);
    });
}

function addSignOut(users: Command): void {
  users
    .command('sign-out <userName>')
    .description('sign a user out everywhere; the user can sign in again')
    .addHelpText('after', examples('users sign-out jo'))
    .action((userName: string, _options, command: Command) => {
      const context = contextOf(command);
      const outcome = { done: `${userName} is signed out everywhere`, hints: unknownHint(context) };
      return act(context, 'DELETE', `${pathOf(userName)}/sessions`, undefined, outcome);
    });
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
