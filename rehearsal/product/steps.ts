import assert from 'node:assert/strict';
import { TIER_NAMES } from '../../tenant-templates/tiers.ts';
import { contentsOf } from '../account-contents.ts';
import { watchBus } from '../bus-watch.ts';
import { replayContract } from '../contract-step.ts';
import type { EmulatedAccount } from '../emulated-account.ts';
import { cleanUp, type Installation, installProduct, signInAdmin, signInAgain } from '../installation.ts';
import { CONTRACT } from '../recorded-contract.ts';
import { type StepResult, timed } from '../step.ts';
import { FAULT_STEPS } from './fault-steps.ts';
import { OFFBOARDING_STEPS } from './offboarding-steps.ts';
import { RELEASE_STEPS } from './release-steps.ts';
import { whileRequestsWait } from './request-queue.ts';
import { ProductScene, type Step, type TenantState } from './scene.ts';
import { BURST_STEP, stepsOfTier, TENANT_STEPS } from './tenant-steps.ts';

const ADMIN_EMAIL = 'admin@example.com';
const ADMIN_PASSWORD = 'Rehearsed-horse-battery-7';

/**
 * Installs the whole product by scripts/install.sh, uses it through its public addresses, and deletes it. Yields one result
 * per step; the first failure ends the run.
 */
export async function* rehearseProduct(account: EmulatedAccount): AsyncGenerator<StepResult> {
  const before = await contentsOf(account);
  let installation: Installation | undefined;
  yield await timed('scripts/install.sh builds the images and installs both planes', async () => {
    const started = performance.now();
    let imagesMs = 0;
    const onImages = (): void => {
      imagesMs = performance.now() - started;
    };
    installation = await installProduct(account, ADMIN_EMAIL, { onImages });
    return `images after ${Math.round(imagesMs)} ms, the rest in ${Math.round(performance.now() - started - imagesMs)} ms`;
  });
  if (!installation) return;
  const installed = installation;
  let scene: ProductScene | undefined;
  yield await timed('the invited administrator signs in', async () => {
    const { accessToken } = await signInAdmin(installed, ADMIN_PASSWORD);
    const requests = ['onboardingRequest', 'offboardingRequest'];
    const watch = await watchBus(account, installed.outputs.eventBridgeArn, 'rehearsal', requests);
    const signIn = async () => (await signInAgain(installed, { password: ADMIN_PASSWORD })).accessToken;
    scene = new ProductScene(installed, { watch, accessToken, signIn });
  });
  if (!scene) return;
  for (const [name, run] of steps()) {
    const opened = scene;
    const result = await timed(name, () => run(opened));
    yield result;
    if (!result.ok) return;
  }
  yield await timed('scripts/cleanup/cleanup.sh leaves nothing but what the CDK needs', async () => {
    await scene?.watch.remove();
    await cleanUp(installed);
    const after = await contentsOf(account);
    assert.deepEqual(after, { ...before, ...afterBootstrap(after) });
  });
}

/** The contract comes first, because it was recorded without tenants. */
function steps(): Step[] {
  return [
    CONTRACT_STEP,
    ...TIER_NAMES.flatMap(stepsOfTier),
    ...TENANT_STEPS,
    ...FAULT_STEPS,
    ...RELEASE_STEPS,
    BURST_STEP,
    ...OFFBOARDING_STEPS,
  ];
}

const CONTRACT_STEP: Step = [
  `beside the application plane, responses and events match SBT's recorded contract (${CONTRACT.steps.length} steps)`,
  async (scene) => {
    const { installation, accessToken, watch } = scene;
    const tenants = await whileRequestsWait(scene.account, async () => {
      await replayContract(installation, accessToken, watch);
      const { body } = await scene.request('GET', '/tenants');
      const { data } = body as { data: TenantState[] };
      for (const { tenantRegistrationId } of data.filter(({ state }) => state !== 'deprovisioning')) {
        const { status, text } = await scene.request('DELETE', `/tenant-registrations/${tenantRegistrationId}`);
        assert.equal(status, 200, text);
      }
      return data;
    });
    for (const tenant of tenants) await scene.untilState(tenant, 'deleted');
    return `the ${tenants.length} tenants that it left were deleted`;
  },
];

/** The bootstrap stack stays, because other CDK applications may use it. */
function afterBootstrap({
  stacks,
  buckets,
  repositories,
  roles,
}: Record<string, readonly string[]>): Record<string, readonly string[]> {
  const isOfCdk = (name: string): boolean => /^(CDKToolkit$|cdk-)/.test(name);
  const isServiceLinked = (name: string): boolean => name.startsWith('AWSServiceRoleFor');
  // API Gateway writes the logs of all REST APIs of the account with it.
  const isOfLogs = (name: string): boolean => name.includes('RestApiCloudWatchRole');
  return {
    stacks: (stacks ?? []).filter(isOfCdk),
    buckets: (buckets ?? []).filter(isOfCdk),
    repositories: (repositories ?? []).filter(isOfCdk),
    roles: (roles ?? []).filter((name) => isOfCdk(name) || isServiceLinked(name) || isOfLogs(name)),
  };
}
