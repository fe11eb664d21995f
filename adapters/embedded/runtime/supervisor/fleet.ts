import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DomainError } from '../../../../core/errors.ts';
import type { Clock } from '../../../../core/ports/clock.ts';
import type { Log } from '../../../../core/ports/log.ts';
import type { ClusterId } from '../../../../core/ports/places.ts';
import type { ServiceKey } from '../../../../core/ports/runtime.ts';
import type { ServiceEndpoints } from '../../../../core/routing/registry.ts';
import { withTimeout } from '../../../../core/time/wait.ts';
import { AgentProcess } from './agent-process.ts';
import { endGroup, findGroups } from './cgroup.ts';
import { killRecorded } from './leftovers.ts';
import { type AgentConfig, type FromAgent, nameOf, type ServicePlan, type ServiceReport } from './protocol.ts';
import { restartDelayMs } from './restart-delay.ts';
import type { ServiceSpec } from './service-key.ts';
import { ServiceWaiters } from './service-waiters.ts';
import { isGroupOfCluster } from './task-group.ts';

const REMOVED_WITHIN_MS = 15_000;
/** After an agent has run for this long, earlier failures no longer count. */
const STABLE_MS = 30_000;

export interface FleetOptions {
  /** The configuration that all agents share. */
  readonly agent: Omit<AgentConfig, 'cluster' | 'recordFile'>;
  /** Holds one file per cluster, in which its agent records its processes. */
  readonly recordDir: string;
  readonly logFile: (cluster: ClusterId) => string;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when an agent has ended or hung, and is being replaced. @default - the log alone has it */
  readonly replaced?: ((cluster: ClusterId, reason: string) => void) | undefined;
}

/** A deployed service: what was requested, the plan sent to its agent, and the agent's report. */
export interface Deployed {
  readonly spec: ServiceSpec;
  readonly plan: ServicePlan;
  readonly revision: number;
  /** Absent until the agent has reported, and after the agent has ended. */
  readonly report?: ServiceReport;
}

/** The agent of a cluster, as operators see it. */
export interface AgentStatus {
  readonly cluster: ClusterId;
  readonly pid: number;
  /** Times that it ended or hung and was replaced. */
  readonly restarts: number;
  /** Why it was replaced last. */
  readonly lastFailure?: string;
  /** When it was replaced last, in epoch ms. */
  readonly failedAt?: number;
}

/** What the fleet knows about the agents of a desired cluster. */
interface ClusterRecord {
  /** Failures in a row. */
  failures: number;
  startedAt: number;
  restarts: number;
  lastFailure?: string;
  failedAt?: number;
}

/** All agents, seen from the platform. Keeps the deployed services, and restarts agents that end with their services. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #services = new Map<string, Deployed>();
  readonly #agents = new Map<ClusterId, AgentProcess>();
  /** The desired clusters, with the record of their agents. */
  readonly #clusters = new Map<ClusterId, ClusterRecord>();
  readonly #waiters: ServiceWaiters;
  readonly #removals = new Map<string, () => void>();
  readonly #listeners = new Set<(all: readonly ServiceEndpoints[]) => void>();
  #announced = '[]';
  #closing = false;
  readonly #killAgents = (): void => {
    for (const [cluster, agent] of this.#agents) {
      agent.kill();
      void this.#killRemainingProcesses(cluster);
    }
  };

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#waiters = new ServiceWaiters(options.clock, (name) => this.#services.get(name));
    mkdirSync(options.recordDir, { recursive: true, mode: 0o700 });
    process.once('exit', this.#killAgents);
  }

  get recordDir(): string {
    return this.#options.recordDir;
  }

  get clusters(): ClusterId[] {
    return [...this.#clusters.keys()].sort();
  }

  /** The agents that run now. */
  get agents(): AgentStatus[] {
    return [...this.#agents].flatMap(([cluster, { pid }]) => {
      if (pid === undefined) return [];
      const { restarts = 0, lastFailure, failedAt } = this.#clusters.get(cluster) ?? {};
      const failure = lastFailure !== undefined && failedAt !== undefined && { lastFailure, failedAt };
      return [{ cluster, pid, restarts, ...failure }];
    });
  }

  get services(): Deployed[] {
    return [...this.#services.values()];
  }

  find(key: ServiceKey): Deployed | undefined {
    return this.#services.get(nameOf(key));
  }

  /** Resolves when the cluster's agent is ready. Throws UNAVAILABLE if it ends during its start; it is started again. */
  async ensureAgent(cluster: ClusterId): Promise<void> {
    this.checkOpen();
    if (!this.#clusters.has(cluster)) this.#clusters.set(cluster, { failures: 0, startedAt: 0, restarts: 0 });
    const ready = await (this.#agents.get(cluster) ?? this.#startAgent(cluster)).ready;
    if (!ready) throw unavailable(`the agent of cluster ${cluster} ended while it started`);
  }

  /** Throws UNAVAILABLE after `beginClose`. */
  checkOpen(): void {
    if (this.#closing) throw unavailable('the runtime is closing');
  }

  /** Drains all tasks of the cluster and ends its agent. */
  async endAgent(cluster: ClusterId): Promise<void> {
    for (const { spec } of this.services) if (spec.cluster === cluster) this.#undeploy(spec);
    this.#clusters.delete(cluster);
    const agent = this.#agents.get(cluster);
    await agent?.end();
    if (agent && this.#agents.get(cluster) === agent) await this.#killRemainingProcesses(cluster);
    if (this.#agents.get(cluster) === agent) this.#agents.delete(cluster);
    if (!this.#agents.has(cluster)) rmSync(this.#recordFile(cluster), { force: true });
  }

  /** Sets the plan that the service's agent works towards. */
  deploy(spec: ServiceSpec, plan: ServicePlan): void {
    const known = this.find(spec);
    if (known !== undefined && JSON.stringify(known.plan) === JSON.stringify(plan)) return;
    const revision = (known?.revision ?? 0) + 1;
    this.#services.set(nameOf(spec), { ...known, spec, plan, revision });
    this.#agents.get(spec.cluster)?.send({ type: 'apply', revision, plan });
  }

  /** Drains the service's tasks. Resolves when they have ended, at the latest after 15 s. */
  async remove(key: ServiceKey): Promise<void> {
    const agent = this.#agents.get(key.cluster);
    if (!this.#undeploy(key) || agent === undefined) return;
    const removed = Promise.withResolvers<void>();
    this.#removals.set(nameOf(key), removed.resolve);
    agent.send({ type: 'remove', key });
    await withTimeout(this.#options.clock, REMOVED_WITHIN_MS, removed.promise, () => undefined);
    this.#removals.delete(nameOf(key));
  }

  /** Waits for a report; see `ServiceWaiters.until`. Throws UNAVAILABLE also when the fleet closes. */
  async until(key: ServiceKey, timeoutMs: number, holds: (report: ServiceReport) => boolean): Promise<void> {
    this.checkOpen();
    await this.#waiters.until(nameOf(key), timeoutMs, holds);
  }

  onEndpoints(listener: (all: readonly ServiceEndpoints[]) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#endpoints());
    return () => void this.#listeners.delete(listener);
  }

  /** Starts nothing more. Calls of `until` fail at once. */
  beginClose(): void {
    this.#closing = true;
    this.#waiters.fail('the runtime is closing');
  }

  async close(): Promise<void> {
    this.beginClose();
    await Promise.all([...this.#clusters.keys()].map((cluster) => this.endAgent(cluster)));
    process.off('exit', this.#killAgents);
  }

  #startAgent(cluster: ClusterId): AgentProcess {
    const { agent: common, clock, log, logFile } = this.#options;
    const agent = new AgentProcess({
      config: { ...common, cluster, recordFile: this.#recordFile(cluster) },
      logFile: logFile(cluster),
      clock,
      receive: (message) => this.#receive(message),
      lost: (reason) => this.#agentLost(cluster, agent, reason),
    });
    this.#agents.set(cluster, agent);
    const health = this.#clusters.get(cluster);
    if (health !== undefined) health.startedAt = clock.now();
    for (const { spec, plan, revision } of this.services) {
      if (spec.cluster === cluster) agent.send({ type: 'apply', revision, plan });
    }
    log.info({ cluster }, 'agent started');
    return agent;
  }

  /**
   * Ends the tasks of an agent that has ended, and their descendants. Looks for them and sends the first signals before it
   * returns, so the tasks of a new agent are safe.
   */
  async #killRemainingProcesses(cluster: ClusterId): Promise<void> {
    const { cpu } = this.#options.agent;
    killRecorded(this.#recordFile(cluster));
    const groups = findGroups(cpu, (group) => isGroupOfCluster(group, cluster));
    await Promise.all(groups.map((group) => endGroup(cpu, group)));
  }

  /** Ends what is left of its tasks. Starts a new agent, with all services of the cluster. */
  #agentLost(cluster: ClusterId, agent: AgentProcess, reason: string): void {
    const { clock, log } = this.#options;
    log.warn({ cluster, reason }, 'agent ended unexpectedly');
    void this.#killRemainingProcesses(cluster);
    if (this.#agents.get(cluster) === agent) this.#agents.delete(cluster);
    for (const [name, { report, ...rest }] of this.#services) {
      if (rest.spec.cluster !== cluster) continue;
      for (const task of report?.tasks ?? []) rmSync(task.endpoint, { force: true });
      this.#services.set(name, rest);
    }
    for (const [name, removed] of this.#removals) if (name.startsWith(`${cluster}/`)) removed();
    this.#announce();
    const health = this.#clusters.get(cluster);
    if (health === undefined) return;
    health.failures = clock.now() - health.startedAt >= STABLE_MS ? 1 : health.failures + 1;
    health.restarts += 1;
    health.lastFailure = reason;
    health.failedAt = clock.now();
    this.#options.replaced?.(cluster, reason);
    clock.after(restartDelayMs(health.failures, Math.random()), () => {
      const isNeeded = this.#clusters.has(cluster) && !this.#agents.has(cluster) && !this.#closing;
      if (isNeeded) this.#startAgent(cluster);
    });
  }

  #receive(message: FromAgent): void {
    switch (message.type) {
      case 'report': {
        const name = nameOf(message.report);
        const known = this.#services.get(name);
        if (known === undefined) return;
        this.#services.set(name, { ...known, report: message.report });
        this.#announce();
        this.#waiters.wake(name);
        break;
      }
      case 'removed':
        this.#removals.get(nameOf(message.key))?.();
        break;
      case 'log':
        this.#options.log[message.level](message.fields, message.message);
        break;
    }
  }

  /** @returns whether the service was deployed */
  #undeploy(key: ServiceKey): boolean {
    const name = nameOf(key);
    const known = this.#services.delete(name);
    this.#waiters.fail(`service ${name} was deleted before it was ready`, name);
    this.#announce();
    return known;
  }

  #endpoints(): ServiceEndpoints[] {
    return this.services.map(({ spec: { cluster, tenantId, service }, report }) => ({
      cluster,
      tenantId,
      service,
      sockets: report?.endpoints ?? [],
      ...(report?.failure !== undefined && { failure: report.failure }),
    }));
  }

  #announce(): void {
    const all = this.#endpoints();
    const text = JSON.stringify(all);
    if (text === this.#announced) return;
    this.#announced = text;
    for (const listener of this.#listeners) listener(all);
  }

  #recordFile(cluster: ClusterId): string {
    return join(this.#options.recordDir, `${cluster}.json`);
  }
}

function unavailable(message: string): DomainError {
  return new DomainError('UNAVAILABLE', message);
}
