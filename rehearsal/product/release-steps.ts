import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../../scripts/until.ts';
import { TIER_NAMES, TIERS } from '../../tenant-templates/tiers.ts';
import { installProduct, runInstaller, variablesOfCommandLine } from '../installation.ts';
import { RELEASE, whileServiceRuns } from './release-images.ts';
import { type ProductScene, type Step, tenantOfTier, tierWith } from './scene.ts';
import type { RehearsedTenant } from './tenant.ts';

/** The release that is installed beside the first one. */
const NEXT = 'next';
const UPDATED_WITHIN_MS = 120_000;
const POLL_MS = 250;
/** Responses of a load balancer to a request whose task has just ended. */
const INTERRUPTED = [502, 503];

interface ReleaseState {
  readonly state: string;
  readonly release?: string;
  readonly reason?: string;
}

/** Another release is installed, and tenants are updated to it. */
export const RELEASE_STEPS: readonly Step[] = [
  [
    'scripts/install.sh installs another release; tenants with services of their own keep theirs',
    async (scene) => {
      await installProduct(scene.account, scene.installation.adminEmail, { release: NEXT });
      for (const tenant of siloTenants(scene)) {
        const { state, release } = await releaseOf(scene, tenant);
        assert.deepEqual([state, release], ['outdated', RELEASE], tenant.registered.name);
      }
    },
  ],
  [
    'an update to a release whose image fails is rolled back with its reason, while the old tasks serve',
    async (scene) => {
      const tenant = scene.tenant(tenantOfTier(tierWith('service')));
      const program = join(scene.account.directory, 'failing-release.cjs');
      writeFileSync(program, 'process.exit(9);\n');
      const bad = { service: 'orders', release: NEXT, program };
      const { reason, served, repeated } = await whileServiceRuns(scene.engine, bad, async () => {
        const path = `/operator/tenants/${tenant.tenantId}/release`;
        const requested = await scene.request('POST', path, { release: NEXT });
        assert.equal(requested.status, 200, requested.text);
        return await untilUpdated(scene, tenant, 'failed');
      });
      assert.match(reason ?? '', /orders exited with 9\b/);
      return `${served} requests were served meanwhile, ${repeated} at the second attempt: ${reason}`;
    },
  ],
  [
    'scripts/update-tenants.sh updates every tenant, and skips those that are current',
    async (scene) => {
      const update = () =>
        runInstaller(scene.account, ['--release', NEXT], {
          script: 'update-tenants.sh',
          variables: variablesOfCommandLine(scene.installation),
        });
      const output = await update();
      for (const tenant of siloTenants(scene)) {
        const { name } = tenant.registered;
        assert(output.includes(`${name} runs release ${NEXT}`), output);
        const { served } = await untilUpdated(scene, tenant, 'current');
        assert(served > 0);
      }
      const started = performance.now();
      await update();
      return `a second run changes nothing, in ${Math.round(performance.now() - started)} ms`;
    },
  ],
];

function siloTenants({ tenants }: ProductScene): RehearsedTenant[] {
  const silos: readonly string[] = TIER_NAMES.filter((tier) => TIERS[tier].isolation !== 'pool');
  return [...tenants.values()].filter(({ registered }) => silos.includes(registered.tier));
}

async function releaseOf(scene: ProductScene, { tenantId }: RehearsedTenant): Promise<ReleaseState> {
  const { status, text, body } = await scene.request('GET', `/operator/tenants/${tenantId}/release`);
  assert.equal(status, 200, text);
  return (body as { data: ReleaseState }).data;
}

/** Uses the tenant until its release is in the state. Every request must be served, at the second attempt at the latest. */
async function untilUpdated(
  scene: ProductScene,
  tenant: RehearsedTenant,
  state: string,
): Promise<ReleaseState & { readonly served: number; readonly repeated: number }> {
  let found: ReleaseState | undefined;
  let [served, repeated] = [0, 0];
  const get = () => tenant.administrator('GET', '/products');
  const isUpdated = async () => {
    let response = await get();
    if (INTERRUPTED.includes(response.status)) {
      repeated += 1;
      response = await get();
    }
    assert.equal(response.status, 200, response.text);
    served += 1;
    found = await releaseOf(scene, tenant);
    return found.state === state && found;
  };
  const failure = () => `the release of ${tenant.registered.name} is ${found?.state} after ${UPDATED_WITHIN_MS} ms`;
  const ended = await until(isUpdated, { withinMs: UPDATED_WITHIN_MS, everyMs: POLL_MS, failure });
  return { ...ended, served, repeated };
}
