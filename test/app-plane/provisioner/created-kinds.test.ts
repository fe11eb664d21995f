import { describe, expect, test } from '@jest/globals';
import { kindsToObserve, withKinds } from '../../../app-plane/provisioner/created-kinds.ts';
import type { ReconcilerOptions } from '../../../app-plane/provisioner/open-reconciler.ts';
import { DONE } from '../../../app-plane/provisioner/pass-result.ts';
import { placementItem } from '../../../app-plane/provisioner/placement.ts';
import { RESOURCE_KINDS, type ResourceKind } from '../../../core/plan/resources.ts';
import { put } from '../../../core/ports/table.ts';
import { TIERS } from '../../../tenant-templates/tiers.ts';
import { Functions, ID } from './functions.ts';
import { placementOf } from './placements.ts';
import { offboarding, onboarding } from './world.ts';

const BASIC: ResourceKind[] = ['admin-user', 'api-key', 'route'];
/** Tier tables in which a tier's isolation differs from that at the tenant's onboarding. */
const premiumPooled = { ...TIERS, premium: { ...TIERS.premium, isolation: 'pool' } } as const;
const basicSilo = { ...TIERS, basic: { ...TIERS.basic, isolation: 'cluster' } } as const;

async function withTenant(tier: 'basic' | 'premium'): Promise<Functions> {
  const functions = await Functions.open();
  await functions.accept(onboarding(ID, tier));
  await untilDone(functions);
  return functions;
}

async function untilDone(functions: Functions, change: Partial<ReconcilerOptions> = {}): Promise<void> {
  for (let passes = 0; passes < 20; passes++) {
    const result = await functions.reconcile(change);
    if (result.outcome === 'done') return;
    if (result.outcome === 'failed') throw new Error(result.reason);
    functions.scratch.clock.advance(result.afterMs);
  }
  throw new Error('the work did not end within 20 passes');
}

/** Changes the ready tenant's spec or lets a pass begin, as a request would. */
async function ask(functions: Functions): Promise<void> {
  const { table } = functions.scratch;
  const item = await table.get({ pk: `placement#${ID}`, sk: 'placement' });
  if (!item) throw new Error('the placement must exist');
  const asked = { ...(await functions.placement()), unannounced: true, nextAttemptAt: functions.now };
  await table.transact([put(placementItem(asked, item.version + 1), { version: item.version })]);
}

describe('a pass over a basic tenant', () => {
  test('asks no driver for kinds that the tenant cannot have: from its onboarding to the next passes', async () => {
    await using functions = await withTenant('basic');
    await ask(functions);
    expect(await functions.reconcile()).toEqual(DONE);
    expect(await functions.reconcile()).toEqual(DONE);
    expect(functions.stacks.described).toEqual([]);
    expect((await functions.placement()).createdKinds).toEqual(BASIC);
  });

  test('asks for its data, and for no compute, when it is offboarded', () => {
    const leaving = placementOf({ phase: 'deprovisioning', desired: 'absent', createdKinds: BASIC });
    expect(kindsToObserve(leaving, [])).toEqual(['data', ...BASIC]);
  });
});

describe('nothing that was created is forgotten', () => {
  test('when a failed premium tenant is onboarded again as a basic one', async () => {
    await using functions = await Functions.open();
    await functions.accept(onboarding(ID, 'premium'));
    await functions.reconcile();
    functions.stacks.finish(ID);
    // The clean-up gave up, so that the stack is left.
    const failed = { ...(await functions.placement()), phase: 'failed', failure: 'no room' } as const;
    const item = await functions.scratch.table.get({ pk: `placement#${ID}`, sk: 'placement' });
    await functions.scratch.table.transact([put(placementItem(failed, (item?.version ?? 0) + 1))]);
    await functions.accept(onboarding(ID, 'basic'));
    await untilDone(functions);
    expect(functions.stacks.resourcesOf(ID)).toBeUndefined();
    expect(await functions.identity.realm(`tenant-${ID}`)).toBeUndefined();
    expect(await functions.placement()).toMatchObject({ phase: 'ready', createdKinds: BASIC });
  });

  test('when the tier of a tenant has changed: the old resources go, and then nobody asks for them', async () => {
    await using functions = await withTenant('premium');
    await untilDone(functions, { tiers: premiumPooled });
    expect(functions.stacks.resourcesOf(ID)).toBeUndefined();
    expect((await functions.placement()).createdKinds).toEqual(BASIC);
    const described = functions.stacks.described.length;
    await ask(functions);
    expect(await functions.reconcile({ tiers: premiumPooled })).toEqual(DONE);
    expect(functions.stacks.described).toHaveLength(described);
  });

  test('when the tier changes back before the resources are created: their kinds are stored first', async () => {
    await using functions = await withTenant('basic');
    await expect(
      functions.reconcile({
        tiers: basicSilo,
        checkpoint: async (name) => {
          if (name !== 'claimed') return;
          expect((await functions.placement()).createdKinds).toEqual(RESOURCE_KINDS);
        },
      }),
    ).resolves.toMatchObject({ outcome: 'again', pending: expect.stringContaining('created') });
    await ask(functions);
    await untilDone(functions);
    expect(functions.stacks.resourcesOf(ID)).toBeUndefined();
  });

  test('when a tenant is offboarded after its tier has changed', async () => {
    await using functions = await withTenant('premium');
    await functions.accept(offboarding(ID));
    await untilDone(functions, { tiers: premiumPooled });
    expect((await functions.placement()).phase).toBe('gone');
    expect(functions.stacks.resourcesOf(ID)).toBeUndefined();
    expect(await functions.identity.realm(`tenant-${ID}`)).toBeUndefined();
  });

  test('when removals are forbidden: what was withheld is still looked for', async () => {
    await using functions = await withTenant('premium');
    await ask(functions);
    expect(await functions.reconcile({ tiers: premiumPooled, noDelete: true })).toEqual(DONE);
    expect((await functions.placement()).createdKinds).toEqual(expect.arrayContaining(['cluster', 'service']));
    await untilDone(functions, { tiers: premiumPooled });
    expect(functions.stacks.resourcesOf(ID)).toBeUndefined();
  });
});

describe('a placement of an earlier version, which does not know its kinds', () => {
  test('is looked for in every kind, except for data that it keeps anyway', () => {
    expect(kindsToObserve(placementOf(), [])).toEqual(RESOURCE_KINDS.filter((kind) => kind !== 'data'));
    expect(kindsToObserve(placementOf({ desired: 'absent' }), [])).toEqual(RESOURCE_KINDS);
    expect(withKinds(placementOf(), ['route'])).toBeUndefined();
  });

  test('learns them when its tenant is ready', async () => {
    await using functions = await withTenant('basic');
    const { createdKinds: _, ...before } = await functions.placement();
    const item = await functions.scratch.table.get({ pk: `placement#${ID}`, sk: 'placement' });
    const old = { ...before, unannounced: true, nextAttemptAt: functions.now };
    await functions.scratch.table.transact([put(placementItem(old, (item?.version ?? 0) + 1))]);
    expect(await functions.reconcile()).toEqual(DONE);
    expect(functions.stacks.described).toEqual([ID]);
    expect((await functions.placement()).createdKinds).toEqual(BASIC);
  });
});
