import { writeFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { systemClock } from '../../clock.ts';
import { killNow, startOf } from './process-info.ts';
import { type AgentConfig, type FromAgent, nameOf, type ServicePlan, type ToAgent } from './protocol.ts';
import { Service } from './service.ts';

/**
 * The process of one cluster: runs the tasks that the platform asks for and reports how they are. It leads a process
 * group of its own and takes the whole group down with it, so that no task outlives it.
 */
/** A leak of 100 MB a second overshoots by 25 MB. */
const WEIGH_INTERVAL_MS = 250;
const ROTATE_INTERVAL_MS = 30_000;
/** How often memory figures alone are worth a report. */
const REPORT_INTERVAL_MS = 5_000;

let config: AgentConfig | undefined;
const services = new Map<string, Service>();
/** Removed, but not yet drained. */
const leaving = new Set<Service>();
const changed = new Set<Service>();
/** Last directory sent, as text, by cluster and tenant. */
const directories = new Map<string, string>();
let lastRecord = '';

process.on('message', (message: ToAgent) => receive(message));
process.once('disconnect', die);
process.once('uncaughtException', (error) => {
  process.stderr.write(`${error.stack}\n`);
  die();
});

/** Platform gone, or this process broken: at once, with all tasks, blocked ones too. */
function die(): never {
  for (const service of [...services.values(), ...leaving]) service.pids.forEach(killNow);
  killNow(-process.pid);
  process.exit(1);
}

function receive(message: ToAgent): void {
  switch (message.type) {
    case 'init':
      config = message.config;
      report({ type: 'ready' });
      every(WEIGH_INTERVAL_MS, () => services.forEach((service) => void service.weigh()));
      every(REPORT_INTERVAL_MS, () => services.forEach((service) => void markChanged(service)));
      every(ROTATE_INTERVAL_MS, () => services.forEach((service) => void service.rotateLog()));
      flushCompileCache();
      break;
    case 'apply':
      apply(message.revision, message.plan);
      break;
    case 'remove':
      void remove(nameOf(message.key)).then(() => report({ type: 'removed', key: message.key }));
      break;
    case 'end':
      void Promise.all([...services.keys()].map(remove)).then(end);
      break;
  }
}

function apply(revision: number, plan: ServicePlan): void {
  const name = nameOf(plan);
  let service = services.get(name);
  if (service === undefined) {
    if (config === undefined) throw new Error('a plan came before the configuration');
    service = new Service({
      plan,
      config,
      clock: systemClock,
      random: Math.random,
      changed: markChanged,
      warn: (fields, text) => report({ type: 'log', level: 'warn', fields, message: text }),
    });
    services.set(name, service);
  }
  service.apply(revision, plan);
}

/** A service of the same name may begin anew while the old one drains. */
async function remove(name: string): Promise<void> {
  const service = services.get(name);
  if (service === undefined) return;
  services.delete(name);
  leaving.add(service);
  await service.remove();
  leaving.delete(service);
}

/** 'exit' handlers have run and the report of the end has left by then. */
function end(): void {
  process.off('disconnect', die);
  process.disconnect();
  process.exit(0);
}

/** Gathers the changes of one turn into one report per service, one directory per tenant and one record. */
function markChanged(service: Service): void {
  if (changed.size === 0) setImmediate(publish);
  changed.add(service);
}

function publish(): void {
  const due = [...changed];
  changed.clear();
  for (const owner of new Set(due.map(ownerOf))) sendDirectory(owner, due);
  for (const service of due) {
    const current = services.get(nameOf(service.plan)) === service;
    if (current) report({ type: 'report', report: service.report() });
  }
  record();
}

function ownerOf(service: Service): string {
  return `${service.plan.cluster}/${service.plan.tenantId}`;
}

/** To all of the owner's tasks where it differs from the last one, else to the changed services (for their new tasks). */
function sendDirectory(owner: string, due: readonly Service[]): void {
  const siblings = [...services.values()].filter((service) => ownerOf(service) === owner);
  const directory = Object.fromEntries(siblings.map((service) => [service.plan.service, service.endpoints()]));
  const text = JSON.stringify(directory);
  const receivers = directories.get(owner) === text ? siblings.filter((service) => due.includes(service)) : siblings;
  directories.set(owner, text);
  if (siblings.length === 0) directories.delete(owner);
  for (const service of receivers) service.tell({ type: 'directory', services: directory });
}

/** Which processes are there, for the sweep of a later start. It finds them by their mark too, if this cannot be written. */
function record(): void {
  if (config === undefined) return;
  const pids = [process.pid, ...[...services.values(), ...leaving].flatMap((service) => service.pids)];
  if (lastRecord === pids.join()) return;
  lastRecord = pids.join();
  const processes = pids.map((pid) => ({ pid, start: startOf(pid) })).filter(({ start }) => start !== undefined);
  try {
    writeFileSync(config.recordFile, JSON.stringify(processes), { mode: 0o600 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    report({
      type: 'log',
      level: 'warn',
      fields: { file: config.recordFile, code },
      message: 'cannot record processes',
    });
  }
}

function report(message: FromAgent): void {
  if (process.connected) process.send?.(message, () => undefined);
}

function every(ms: number, run: () => void): void {
  systemClock.after(ms, () => {
    run();
    every(ms, run);
  });
}
