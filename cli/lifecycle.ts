import { existsSync, readdirSync, rmSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import { isAlive } from '../adapters/embedded/runtime/supervisor/process-info.ts';
import type { EmbeddedStatus, PlatformStatus } from '../control-plane/api/http/platform-status.ts';
import type { AdminFile } from '../embedded/admin.ts';
import { type DataDir, readJson } from '../embedded/data-dir.ts';
import { lockDataDir } from '../embedded/data-dir-lock.ts';
import { operatorLink } from '../embedded/operator-token.ts';
import { findRunning, type Running } from '../embedded/running.ts';
import {
  type CliContext,
  contextOf,
  examples,
  type LocalContext,
  localContextOf,
  requireRunning,
  runningElsewhere,
  wholeNumber,
} from './context.ts';
import { ControlPlane } from './control-plane.ts';
import { CliError } from './exit-codes.ts';
import { startCommandFor } from './launcher.ts';
import { note, printFields, printJson, printLine, withNote } from './output.ts';
import { printServices, select } from './services.ts';

/** How long a platform may take to finish its requests, in milliseconds. */
const DOWN_TIMEOUT_MS = 30_000;

export function addLifecycleCommands(program: Command): void {
  addUp(program);
  addDown(program);
  addStatus(program);
  addReset(program);
}

function addUp(program: Command): void {
  program
    .command('up')
    .description('start the platform; Ctrl-C or `npx tierplane down` stops it')
    .option('--port <port>', 'port to listen on; 0 picks a free one (default 8080)', wholeNumber('--port', 0, 65_535))
    .option('--host <host>', 'address to listen on (default 127.0.0.1)')
    .option('--public-url <url>', 'address that browsers use, if a proxy is in front')
    .option('--no-demo', 'no demo tenants at first start')
    .addHelpText('after', examples('up', 'up --data-dir /var/lib/tierplane --port 9000 --no-demo --json'))
    .action(async (options, command: Command) => {
      const { runPlatform } = await import('./up.ts');
      await runPlatform(localContextOf(command), options);
    });
}

function addDown(program: Command): void {
  program
    .command('down')
    .description('stop the running platform after it has finished its requests')
    .addHelpText('after', examples('down', 'down --data-dir /var/lib/tierplane'))
    .action(async (_options, command: Command) => {
      const context = localContextOf(command);
      const running = findRunning(context.dir);
      if (running) await withNote('waiting for requests in progress', () => stop(running));
      if (context.json) printJson({ stopped: running !== undefined });
      else printLine(running ? 'the platform has stopped' : nothingToStop(context));
    });
}

function addStatus(program: Command): void {
  program
    .command('status')
    .description('show what runs, where, and how tenants are isolated')
    .addHelpText('after', examples('status', 'status --json | jq .services'))
    .action(async (_options, command: Command) => showStatus(contextOf(command)));
}

function addReset(program: Command): void {
  program
    .command('reset')
    .description('delete the data directory with every tenant, user and item, for good')
    .option('--yes', 'confirm')
    .addHelpText('after', examples('reset --yes'))
    .action(async (options: { yes?: boolean }, command: Command) => {
      const context = localContextOf(command);
      reset(context, options.yes === true);
      if (context.json) printJson({ removed: context.dir.root });
      else printLine(`${context.dir.root} is deleted; \`${startCommandFor(context.dir)}\` starts with an empty one`);
    });
}

function nothingToStop({ dir }: LocalContext): string {
  const elsewhere = runningElsewhere();
  return `no platform runs in ${dir.root}; nothing to stop${elsewhere ? `\n  ${elsewhere}` : ''}`;
}

async function stop(running: Running): Promise<void> {
  process.kill(running.pid, 'SIGTERM');
  const deadline = Date.now() + DOWN_TIMEOUT_MS;
  while (isAlive(running)) {
    if (Date.now() > deadline) throw new CliError('timeout', `process ${running.pid} did not stop within 30 s`);
    await wait(50);
  }
}

async function showStatus(context: CliContext): Promise<void> {
  if (context.target.kind !== 'data-dir') return showRemoteStatus(context);
  const { dir } = context.target;
  const running = requireRunning(dir);
  const controlPlane = await ControlPlane.open(context);
  const { data } = await controlPlane.call<{ data: EmbeddedStatus }>('GET', '/operator/status');
  const { pid, startedAt, urls } = running;
  const links = linksOf(dir, urls.publicUrl);
  if (context.json) {
    const services = await select(controlPlane);
    return printJson({ running: true, pid, startedAt, urls, ...links, dataDir: dir.root, ...data, services });
  }
  const { gateway, agents, isolation } = data;
  printFields({
    platform: `pid ${pid}, since ${startedAt}, Node ${data.node}`,
    'public url': urls.publicUrl,
    'start page': links.startPage,
    mailbox: links.mailbox,
    'control plane': urls.controlPlane,
    "tenants' api": urls.api,
    data: dir.root,
    gateway: `pid ${gateway.pid ?? 'none (starting)'}, ${restartsIn(gateway)}`,
    clusters: agents
      .map((agent) => `${agent.cluster} (pid ${agent.pid}${agent.restarts > 0 ? `, ${restartsIn(agent)}` : ''})`)
      .join(', '),
    'task users': isolation.ownUsers ? 'one for the pool, one for each silo tenant' : 'all tasks share one uid',
    'task death': isolation.parentDeathSignal ? 'with their agent, by the kernel' : 'with their agent, unless blocked',
    'cpu caps': isolation.cpuCaps,
    notes: data.notes.join('; '),
  });
  printLine('');
  await printServices(controlPlane);
}

/** `2 restart(s), the last one at 2026-01-31T10:00:00.000Z: hung` */
function restartsIn(process: EmbeddedStatus['gateway'] | EmbeddedStatus['agents'][number]): string {
  const { restarts, lastFailure, lastFailureAt } = process;
  return `${restarts} restart(s)${lastFailure === undefined ? '' : `, the last one at ${lastFailureAt}: ${lastFailure}`}`;
}

/** The links that open pages as the operator. Empty if `admin.json` is gone; the next start writes it again. */
function linksOf(dir: DataDir, publicUrl: string): { startPage?: string; mailbox?: string } {
  const token = readJson<AdminFile>(dir.admin)?.operatorToken;
  if (token === undefined) return {};
  return { startPage: operatorLink(publicUrl, '/', token), mailbox: operatorLink(publicUrl, '/mailbox', token) };
}

/** A platform that is addressed by its URL shows no processes of its machine. */
async function showRemoteStatus(context: CliContext): Promise<void> {
  const controlPlane = await ControlPlane.open(context);
  const { data } = await controlPlane.call<{ data: PlatformStatus }>('GET', '/operator/status');
  if (context.json) return printJson({ running: true, url: controlPlane.access.name, ...data });
  const shown = Object.entries(data).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  printFields({ platform: controlPlane.access.name, ...Object.fromEntries(shown) });
}

function reset({ dir, tierplane }: LocalContext, confirmed: boolean): void {
  if (!existsSync(dir.root)) throw new CliError('refused', `${dir.root} does not exist; nothing to delete`);
  if (!existsSync(dir.instance)) {
    throw new CliError(
      'refused',
      `${dir.root} is not a data directory of Tierplane (no instance.json); nothing was deleted`,
    );
  }
  // The lock also finds a platform that is still starting.
  const lock = lockDataDir(dir);
  if (!lock) {
    throw new CliError('refused', `a platform runs in ${dir.root}`, {
      hint: `stop it with \`${tierplane} down\` first`,
    });
  }
  try {
    if (!confirmed) throw new CliError('usage', `this deletes ${dir.root} for good; confirm with --yes`);
    rmSync(dir.root, { recursive: true, force: true });
  } finally {
    lock.release();
  }
  if (existsSync(dir.root) && readdirSync(dir.root).length > 0) note(`${dir.root} could not be emptied`);
}
