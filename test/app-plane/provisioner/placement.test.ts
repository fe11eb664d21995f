import { expect, test } from '@jest/globals';
import { loadPlacement, placementItem } from '../../../app-plane/provisioner/placement.ts';
import { put } from '../../../core/ports/table.ts';
import { World } from './world.ts';

test('a placement that an earlier version stored is read with the same meaning, and its tenant is kept', async () => {
  await using world = new World();
  const process = await world.running();
  const id = await world.onboard(process, 'premium');
  const before = await world.traces(id);
  const item = await loadPlacement(world.table, id);
  if (!item) throw new Error('the placement must exist');
  const { desired: wanted, ...data } = item.data;
  const earlier = { ...placementItem(item.data, item.version + 1), data: { ...data, wanted } };
  await world.table.transact([put(earlier)]);

  expect((await world.placement(id))?.desired).toBe('present');
  expect(await process.provisioner.plan(id)).toEqual([]);
  await process.provisioner.reconcile(id);
  expect(await world.traces(id)).toEqual(before);
});
