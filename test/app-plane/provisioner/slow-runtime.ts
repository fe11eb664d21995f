import type { DeploymentId, DeploymentSpec, DeploymentStatus, Runtime } from '../../../core/ports/runtime.ts';

const TIME = new Date(0).toISOString();
const ABSENT: DeploymentStatus = { state: 'absent', parts: [] };

/** Deployments that go on elsewhere, as stacks do: a test says when and how each change ends. */
export class SlowRuntime implements Pick<Runtime, 'deploy' | 'withdraw' | 'deployment'> {
  /** The specs of the changes that were started. */
  readonly started: DeploymentSpec[] = [];
  readonly #serving = new Map<DeploymentId, DeploymentSpec>();
  readonly #changing = new Map<DeploymentId, DeploymentSpec>();
  readonly #failed = new Map<DeploymentId, { readonly spec: DeploymentSpec; readonly reason: string }>();

  async deploy(spec: DeploymentSpec): Promise<DeploymentStatus> {
    const { id } = spec;
    const failed = this.#failed.get(id);
    const isFailed = failed && fingerprintOf(failed.spec) === fingerprintOf(spec);
    const isAsRequested = this.#serving.get(id)?.release === spec.release;
    if (!this.#changing.has(id) && !isFailed && !isAsRequested) {
      this.#failed.delete(id);
      this.#changing.set(id, spec);
      this.started.push(spec);
    }
    return await this.deployment(id);
  }

  async withdraw(id: DeploymentId): Promise<DeploymentStatus> {
    this.#serving.delete(id);
    return ABSENT;
  }

  async deployment(id: DeploymentId): Promise<DeploymentStatus> {
    const changing = this.#changing.get(id);
    const spec = this.#serving.get(id) ?? changing;
    if (!spec) return ABSENT;
    const status = this.#serving.has(id) ? 'done' : 'running';
    const parts = spec.services.map((name) => ({ name, status, startedAt: TIME }) as const);
    const { cluster, release } = spec;
    const failed = this.#failed.get(id);
    if (changing) return { state: 'changing', cluster, release, reason: `stack ${id} is being changed`, parts };
    if (failed) return { state: 'failed', cluster, release, reason: failed.reason, parts };
    return { state: 'ready', cluster, release, parts };
  }

  /** The change in progress succeeds. */
  finish(id: DeploymentId): void {
    this.#serving.set(id, this.#end(id));
  }

  /** The change in progress is rolled back. */
  rollBack(id: DeploymentId, reason: string): void {
    this.#failed.set(id, { spec: this.#end(id), reason });
  }

  #end(id: DeploymentId): DeploymentSpec {
    const spec = this.#changing.get(id);
    if (!spec) throw new Error(`no change of ${id} is in progress`);
    this.#changing.delete(id);
    return spec;
  }
}

function fingerprintOf({ release, request }: DeploymentSpec): string {
  return `${release} ${request}`;
}
