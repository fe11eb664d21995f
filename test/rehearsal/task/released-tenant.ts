import { systemRandom } from '../../../adapters/shared/clock.ts';
import { createDeploymentDriver } from '../../../app-plane/provisioner/drivers/deployment.ts';
import { createIdentityDriver } from '../../../app-plane/provisioner/drivers/identity.ts';
import { createRoutingDriver } from '../../../app-plane/provisioner/drivers/routing.ts';
import type { PassResult } from '../../../app-plane/provisioner/pass-result.ts';
import { createReleases, type Releases } from '../../../app-plane/provisioner/release.ts';
import type { DeploymentSpec } from '../../../core/ports/runtime.ts';
import { SERVICES } from '../../../tenant-templates/tiers.ts';
import { Functions } from '../../app-plane/provisioner/functions.ts';
import { onboarding } from '../../app-plane/provisioner/world.ts';
import type { SiloScene } from './silo-scene.ts';

/**
 * A silo tenant whose release the provisioner keeps and updates, as its functions do after each installation of a release. Its
 * stacks are in the emulated account.
 */
export class ReleasedTenant implements AsyncDisposable {
  readonly #functions: Functions;
  readonly #scene: SiloScene;
  readonly #spec: DeploymentSpec;

  private constructor(functions: Functions, scene: SiloScene, spec: DeploymentSpec) {
    this.#functions = functions;
    this.#scene = scene;
    this.#spec = spec;
  }

  /** @param spec with which the tenant is deployed already */
  static async open(scene: SiloScene, spec: DeploymentSpec): Promise<ReleasedTenant> {
    const functions = await Functions.open();
    const tenant = new ReleasedTenant(functions, scene, spec);
    await functions.accept(onboarding(tenant.#id, spec.tier));
    return tenant;
  }

  get #id(): string {
    return this.#spec.tenantId ?? '';
  }

  /** @param installed the platform's release */
  releases(installed: string): Releases {
    const { table, clock } = this.#functions.scratch;
    return createReleases({ table, clock, release: installed, keepsReleases: true });
  }

  status(installed: string) {
    return this.releases(installed).status(this.#id);
  }

  request(installed: string) {
    return this.releases(installed).request(this.#id);
  }

  /** One pass over the tenant by a new instance of the reconcile function. The clock then shows the time of the next one. */
  async pass(installed: string): Promise<PassResult> {
    const { identity, meteringKeys, scratch } = this.#functions;
    const { table, clock } = scratch;
    const result = await this.#functions
      .reconciler({
        currentRelease: installed,
        drivers: [
          createIdentityDriver({ identity }),
          this.#deployments(installed),
          createRoutingDriver({ table, random: systemRandom, meteringKeys, onRouteChange: () => undefined }),
        ],
      })
      .reconcile(this.#id);
    if (result.outcome === 'again') clock.advance(result.afterMs);
    return result;
  }

  #deployments(release: string) {
    const { runtime, data } = this.#scene;
    const { place, environment } = this.#spec;
    return createDeploymentDriver({
      ...{ runtime, data, places: { take: async () => place }, services: SERVICES, release, keepsReleases: true },
      environmentOf: () => environment,
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#functions[Symbol.asyncDispose]();
  }
}
