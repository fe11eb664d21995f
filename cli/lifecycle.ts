import { existsSync, readdirSync, rmSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import { isAlive } from '../adapters/embedded/runtime/supervisor/process-info.ts';
import type { EmbeddedStatus } from '../control-plane/api/http/platform-status.ts';
import { lockDataDir } from '../embedded/data-dir.ts';
import { findRunning, type Running } from '../embedded/running.ts';
import { type CliContext, contextOf, examples, requireRunning, whereElse, wholeNumber } from './context.ts';
import { ControlPlane } from './control-plane.ts';
import { CliError } from './exit-codes.ts';
import { startCommandFor } from './launcher.ts';
import { note, printFields, printJson, printLine, withNote } from './output.ts';
import { printServices, select } from './services.ts';

/** A platform that drains is given this long, in milliseconds. */
const DOWN_TIMEOUT_MS = 30_000;

export function addLifecycleCommands(program: Command): void {
  program
    .command('up')
    .description('start the platform; Ctrl-C or `npx tierplane down` stops it')
    .option('--port <port>', 'front door; 0 picks a free one (default 8080)', wholeNumber('--port', 0, 65_535))
    .option('--host <host>', 'address to listen on (default 127.0.0.1)')
    .option('--public-url <url>', 'how browsers reach the front door')
    .option('--no-demo', 'no demo tenants at first start')
    .addHelpText('after', examples('up', 'up --data-dir /var/lib/tierplane --port 9000 --no-demo --json'))
    .action(async (options, command: Command) => {
      const { runPlatform } = await import('./up.ts');
      await runPlatform(contextOf(command), options);
    });
  program
    .command('down')
    .description('stop the running platform; requests under way are finished')
    .addHelpText('after', examples('down', 'down --data-dir /var/lib/tierplane'))
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const running = findRunning(context.dir);
      if (running) await withNote('requests under way are being finished', () => stop(running));
      if (context.json) printJson({ stopped: running !== undefined });
      else printLine(running ? 'the platform has stopped' : nothingToStop(context));
    });
  program
    .command('status')
    .description('what runs, where, and how it is kept apart')
    .addHelpText('after', examples('status', 'status --json | jq .services'))
    .action(async (_options, command: Command) => showStatus(contextOf(command)));
  program
    .command('reset')
    .description('delete the data directory: every tenant, user and item in it, for good')
    .option('--yes', 'do it')
    .addHelpText('after', examples('reset --yes'))
    .action(async (options: { yes?: boolean }, command: Command) => {
      const context = contextOf(command);
      reset(context, options.yes === true);
      if (context.json) printJson({ removed: context.dir.root });
      else printLine(`${context.dir.root} is removed; \`${startCommandFor(context.dir)}\` begins anew`);
    });
}

function nothingToStop({ dir }: CliContext): string {
  const elsewhere = whereElse();
  return `no platform runs in ${dir.root}; nothing to stop${elsewhere ? `\n  ${elsewhere}` : ''}`;
}

async function stop(running: Running): Promise<void> {
  process.kill(running.pid, 'SIGTERM');
  const deadline = Date.now() + DOWN_TIMEOUT_MS;
  while (isAlive(running)) {
    if (Date.now() > deadline) throw new CliError('timeout', `process ${running.pid} has not stopped after 30 s`);
    await wait(50);
  }
}

async function showStatus(context: CliContext): Promise<void> {
  const running = requireRunning(context);
  const controlPlane = new ControlPlane(context);
  const { data } = await controlPlane.call<{ data: EmbeddedStatus }>('GET', '/operator/status');
  const { pid, startedAt, urls } = running;
  if (context.json) {
    const services = await select(controlPlane);
    return printJson({ running: true, pid, startedAt, urls, dataDir: context.dir.root, ...data, services });
  }
  const { gateway, agents, isolation } = data;
  printFields({
    platform: `pid ${pid}, since ${startedAt}, Node ${data.node}`,
    'front door': urls.publicUrl,
    'control plane': urls.controlPlane,
    "tenants' api": urls.api,
    data: context.dir.root,
    gateway: `pid ${gateway.pid ?? 'none: it is being started'}, ${gateway.restarts} restart(s)`,
    clusters: agents.map((agent) => `${agent.cluster} (pid ${agent.pid})`).join(', '),
    'task users': isolation.ownUsers ? 'one for the pool, one for each silo tenant' : 'all tasks share one uid',
    'task death': isolation.parentDeathSignal ? 'with their agent, by the kernel' : 'with their agent, unless blocked',
    'cpu caps': isolation.cpuCaps,
    notes: data.notes.join('; '),
  });
  printLine('');
  await printServices(controlPlane);
}

function reset({ dir, tierplane }: CliContext, confirmed: boolean): void {
  if (!existsSync(dir.root)) throw new CliError('refused', `there is no ${dir.root}; nothing to delete`);
  if (!existsSync(dir.instance)) {
    throw new CliError(
      'refused',
      `${dir.root} is not a data directory of tierplane (no instance.json); nothing was deleted`,
    );
  }
  // Also where it is just starting, and has not yet said so.
  const lock = lockDataDir(dir);
  if (!lock) {
    throw new CliError('refused', `a platform runs in ${dir.root}`, {
      hint: `stop it with \`${tierplane} down\` first`,
    });
  }
  try {
    if (!confirmed) throw new CliError('usage', `this deletes ${dir.root} for good: say --yes`);
    rmSync(dir.root, { recursive: true, force: true });
  } finally {
    lock.release();
  }
  if (existsSync(dir.root) && readdirSync(dir.root).length > 0) note(`${dir.root} could not be emptied`);
}
