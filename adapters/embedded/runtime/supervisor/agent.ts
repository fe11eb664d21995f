import { writeFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { repeat } from '../../../../core/time/repeat.ts';
import { systemClock } from '../../../shared/clock.ts';
import { killNow, startOf } from './process-info.ts';
import { type AgentConfig, type FromAgent, nameOf, type ServicePlan, type ToAgent } from './protocol.ts';
import { Service } from './service.ts';

// The process of one cluster: runs the tasks that the platform requests and reports their state. When it ends, it kills every
// task with its descendants, so that none outlives it.

/** At this interval, a leak of 100 MB per second exceeds the cap by 25 MB. */
const MEMORY_CHECK_INTERVAL_MS = 250;
/** How often a report is sent if only memory figures have changed. */
const REPORT_INTERVAL_MS = 5_000;

let config: AgentConfig | undefined;
const services = new Map<string, Service>();
/** Removed, but still draining. */
const leaving = new Set<Service>();
const changed = new Set<Service>();
/** The last directory sent, as JSON, by owner. */
const directories = new Map<string, string>();
let lastRecord = '';

process.on('message', (message: ToAgent) => receive(message));
process.once('disconnect', die);
process.once('uncaughtException', (error) => {
  process.stderr.write(`${error.stack}\n`);
  die();
});

/** Called when the platform is gone or this process is broken. Kills all tasks at once, including blocked ones. */
function die(): never {
  for (const service of allServices()) service.killAll();
  killNow(-process.pid);
  process.exit(1);
}

/** Including those that are removed but still drain. */
function allServices(): Service[] {
  return [...services.values(), ...leaving];
}

function receive(message: ToAgent): void {
  switch (message.type) {
    case 'init':
      config = message.config;
      report({ type: 'ready' });
      repeat(systemClock, MEMORY_CHECK_INTERVAL_MS, () =>
        allServices().forEach((service) => void service.checkMemory()),
      );
      repeat(systemClock, REPORT_INTERVAL_MS, () => services.forEach((service) => void markChanged(service)));
      flushCompileCache();
      break;
    case 'apply':
      apply(message.revision, message.plan);
      break;
    case 'remove':
      void remove(nameOf(message.key)).then(() => report({ type: 'removed', key: message.key }));
      break;
    case 'ping':
      report({ type: 'pong' });
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
    if (config === undefined) throw new Error('received a plan before the configuration');
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

/** A new service with the same name may start while the old one drains. */
async function remove(name: string): Promise<void> {
  const service = services.get(name);
  if (service === undefined) return;
  services.delete(name);
  leaving.add(service);
  await service.remove();
  leaving.delete(service);
}

/** The last reports have been sent by now. */
function end(): void {
  process.off('disconnect', die);
  process.disconnect();
  process.exit(0);
}

/** Combines the changes of one turn of the event loop into one report per service, one directory per owner and one record. */
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

/** Sends the directory to all tasks of the owner if it has changed, else only to the changed services, for their new tasks. */
function sendDirectory(owner: string, due: readonly Service[]): void {
  const siblings = [...services.values()].filter((service) => ownerOf(service) === owner);
  const directory = Object.fromEntries(siblings.map((service) => [service.plan.service, service.endpoints()]));
  const text = JSON.stringify(directory);
  const receivers = directories.get(owner) === text ? siblings.filter((service) => due.includes(service)) : siblings;
  directories.set(owner, text);
  if (siblings.length === 0) directories.delete(owner);
  for (const service of receivers) service.send({ type: 'directory', services: directory });
}

/** Records the processes, so that a later start can end them. If the file cannot be written, it finds them by their mark. */
function record(): void {
  if (config === undefined) return;
  const pids = [process.pid, ...allServices().flatMap((service) => service.pids)];
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
      message: 'cannot write the record of processes',
    });
  }
}

function report(message: FromAgent): void {
  if (process.connected) process.send?.(message, () => undefined);
}
