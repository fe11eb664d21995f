import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import { jsonIn } from '../core/encoding/json.ts';
import { hasIdShape, TENANT_ID } from '../core/tenant/ids.ts';
import { examples, howToStart, type LocalContext, localContextOf, wholeNumber } from './context.ts';
import { ControlPlane } from './control-plane.ts';
import { CliError, EXIT } from './exit-codes.ts';
import { printLine } from './output.ts';

const FOLLOW_POLL_MS = 200;

interface Options {
  readonly tenant?: string;
  readonly service?: string;
  readonly follow?: boolean;
  readonly lines: number;
}

/** Names of pino's level numbers. */
const LEVELS: Partial<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

/** Whether a line is shown. */
type Filter = (file: string, line: string) => boolean;

export function addLogsCommand(program: Command): void {
  program
    .command('logs')
    .description('logs of the platform, the gateway and the services')
    .option('--tenant <tenant>', 'only lines of this tenant')
    .option('--service <name>', 'platform, gateway, or a microservice')
    .option('--follow', 'keep showing new lines until Ctrl-C')
    .option('--lines <count>', 'number of last lines of each file', wholeNumber('--lines', 0, 100_000), 50)
    .addHelpText('after', examples('logs --tenant acme --follow', 'logs --service gateway --json | jq .status'))
    .action(async (options: Options, command: Command) => showLogs(localContextOf(command), options));
}

async function showLogs(context: LocalContext, options: Options): Promise<void> {
  if (!existsSync(context.dir.logs)) {
    throw new CliError('refused', `no logs in ${context.dir.root} yet`, {
      hint: howToStart(context.dir),
    });
  }
  const tenantId = options.tenant === undefined ? undefined : await tenantIdOf(context, options.tenant);
  const matches: Filter = (file, line) =>
    (tenantId === undefined || file.split('.').includes(tenantId) || line.includes(`"${tenantId}"`)) &&
    (options.service === undefined || serviceOf(file) === options.service);
  const show = (line: string) => printLine(context.json ? line : readable(line));
  const services = [...new Set(logFiles(context).map(serviceOf))].sort();
  if (options.service !== undefined && !services.includes(options.service)) {
    throw new CliError('refused', `no logs of a service '${options.service}'`, {
      hint: `logs exist of ${services.join(', ')}`,
    });
  }
  const lastLines = logFiles(context)
    .flatMap((file) =>
      linesOf(join(context.dir.logs, file))
        .filter((line) => matches(file, line))
        .slice(options.lines === 0 ? Number.POSITIVE_INFINITY : -options.lines),
    )
    .sort((a, b) => timeOf(a) - timeOf(b));
  lastLines.forEach(show);
  if (options.follow) await follow(context, matches, show);
}

/** While the platform is down, its logs can be read by the id of the tenant. */
async function tenantIdOf(context: LocalContext, nameOrId: string): Promise<string> {
  try {
    return (await (await ControlPlane.open(context)).tenant(nameOrId)).tenantId;
  } catch (error) {
    const isDown = error instanceof CliError && error.exitCode === EXIT.notRunning;
    if (isDown && TENANT_ID.test(nameOrId) && hasIdShape(nameOrId)) return nameOrId;
    throw error;
  }
}

function logFiles(context: LocalContext): string[] {
  return readdirSync(context.dir.logs).filter((name) => name.endsWith('.log'));
}

/** `orders` of `<cluster>.<tenant or pooled>.orders.log`, `gateway` of `gateway.log`. */
function serviceOf(file: string): string {
  return file.split('.').at(-2) ?? '';
}

function linesOf(path: string): string[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}

function parse(line: string): Record<string, unknown> | undefined {
  const value = jsonIn(line);
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
}

function timeOf(line: string): number {
  const time = parse(line)?.time;
  return typeof time === 'number' ? time : Date.parse(String(time)) || 0;
}

/** `12:00:01.250 info orders 200 GET /orders tenant=... ms=3` */
function readable(line: string): string {
  const fields = parse(line);
  if (!fields) return line;
  const { time, level, msg, message, pid: _pid, hostname: _host, ...rest } = fields;
  const clock = new Date(timeOf(line)).toISOString().slice(11, 23);
  const others = Object.entries(rest).map(
    ([key, value]) => `${key}=${typeof value === 'object' ? JSON.stringify(value) : value}`,
  );
  const severity = typeof level === 'number' ? (LEVELS[level] ?? level) : level;
  return [time === undefined ? '' : clock, severity, msg ?? message, ...others]
    .filter((part) => part !== undefined && part !== '')
    .join(' ');
}

async function follow(context: LocalContext, matches: Filter, show: (line: string) => void): Promise<void> {
  const offsets = new Map(logFiles(context).map((file) => [file, statSync(join(context.dir.logs, file)).size]));
  for (;;) {
    for (const file of logFiles(context)) {
      const { text, end } = await readFrom(join(context.dir.logs, file), offsets.get(file) ?? 0);
      offsets.set(file, end);
      for (const line of text.split('\n')) if (line !== '' && matches(file, line)) show(line);
    }
    await wait(FOLLOW_POLL_MS);
  }
}

/** Whole lines from `start`; a file that became shorter was rotated, so it is read from its beginning. */
async function readFrom(path: string, start: number): Promise<{ text: string; end: number }> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    const from = size < start ? 0 : start;
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - from), 0, size - from, from);
    const whole = buffer.subarray(0, bytesRead).lastIndexOf(10) + 1;
    return { text: buffer.toString('utf8', 0, whole), end: from + whole };
  } finally {
    await handle.close();
  }
}
