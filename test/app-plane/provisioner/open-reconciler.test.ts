import { expect, test } from '@jest/globals';
import type { ReconcilerOptions } from '../../../app-plane/provisioner/open-reconciler.ts';
import { Functions, ID } from './functions.ts';
import { placementOf, store } from './placements.ts';
import { onboarding } from './world.ts';

test.each([
  ['when it ends', 60_000, 7_000],
  ['sooner, if the options say so', 1_000, 1_000],
])('a tenant whose lease another process holds is looked at again %s', async (_what, leaseRetryMs, afterMs) => {
  await using functions = await Functions.open();
  const lease = { owner: 'other', until: functions.now + 7_000 };
  await store(functions.scratch.table, placementOf({ tenantId: ID, lease }));
  expect(await functions.reconcile({ leaseRetryMs })).toMatchObject({ outcome: 'again', afterMs });
});

test('who waits for a claim hears of it when it is taken and when it is released', async () => {
  await using functions = await Functions.open();
  await functions.accept(onboarding(ID, 'basic'));
  const heard: [isTaken: boolean, tenantId: string][] = [];
  const onClaim: ReconcilerOptions['onClaim'] = (claim, tenantId) => heard.push([claim !== undefined, tenantId]);
  await functions.reconcile({ onClaim });
  expect(heard).toEqual([
    [true, ID],
    [false, ID],
  ]);
});
