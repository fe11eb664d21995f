import { expect, test } from '@jest/globals';
import { SERVICE_FAILURES } from '../../../core/routing/registry.ts';
import { PACKINGS } from '../../../core/tier/tiers.ts';

test('the packings of tasks and the failures of services are these, because stored data and other processes name them', () => {
  expect(PACKINGS).toEqual(['per-service', 'one-task']);
  expect(SERVICE_FAILURES).toEqual(['data', 'start']);
});
