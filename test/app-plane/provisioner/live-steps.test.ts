import { describe, expect, test } from '@jest/globals';
import { type LiveWorkSource, liveSteps } from '../../../app-plane/provisioner/live-steps.ts';
import type { LiveWork } from '../../../core/progress/live-work.ts';
import type { Step } from '../../../core/progress/step.ts';

const T0 = '2026-01-01T00:00:00.000Z';
const T1 = '2026-01-01T00:01:00.000Z';
const running = (name: string): Step => ({
  name,
  status: 'running',
  startedAt: T0,
  reason: 'as the last pass found it',
});
const done = (name: string): Step => ({ name, status: 'done', startedAt: T0, endedAt: T1 });

/** A source that counts what it is asked for. */
function sourceOf(works: { readonly data?: LiveWork; readonly deployment?: LiveWork }) {
  const asked: string[] = [];
  const source: LiveWorkSource = {
    async deployment(tenantId) {
      asked.push(`deployment ${tenantId}`);
      return works.deployment;
    },
    async data(tenantId) {
      asked.push(`data ${tenantId}`);
      return works.data;
    },
  };
  return { source, asked };
}

describe('ON-3: the steps of a tenant with what goes on elsewhere', () => {
  test('end, fail or go on as the work on their services does', async () => {
    const parts: Step[] = [
      { name: 'orders', status: 'done', startedAt: T0, endedAt: T1 },
      { name: 'products', status: 'failed', startedAt: T0, endedAt: T1, reason: 'exit 3' },
      { name: 'users', status: 'running', startedAt: T0 },
    ];
    const { source } = sourceOf({ deployment: { reason: 'two of four', parts } });
    const steps = ['orders', 'products', 'users', 'invoices'].map((service) => running(`create service ${service}`));
    expect(await liveSteps([...steps, running('create cluster')], 't1', source)).toEqual([
      { name: 'create service orders', status: 'done', startedAt: T0, endedAt: T1 },
      { name: 'create service products', status: 'failed', startedAt: T0, endedAt: T1, reason: 'exit 3' },
      { ...running('create service users'), reason: 'two of four' },
      { ...running('create service invoices'), reason: 'two of four' },
      { ...running('create cluster'), reason: 'two of four' },
    ]);
  });

  test('show the work on the data store, and that of removals', async () => {
    const { source } = sourceOf({
      data: { reason: 'tables', parts: [] },
      deployment: { reason: 'tasks', parts: [{ name: 'orders', status: 'done', startedAt: T0, endedAt: T1 }] },
    });
    const steps = [running('remove service orders'), running('remove data store'), running('update service users')];
    expect((await liveSteps(steps, 't1', source)).map(({ status, reason }) => [status, reason])).toEqual([
      ['done', undefined],
      ['running', 'tables'],
      ['running', 'tasks'],
    ]);
  });

  test('are as recorded where nothing goes on, and where they have ended', async () => {
    const steps = [done('create data store'), running('create service orders'), running('create API key')];
    const { source, asked } = sourceOf({ data: { reason: 'another operation', parts: [] } });
    expect(await liveSteps(steps, 't1', source)).toEqual(steps);
    expect(asked).toEqual(['deployment t1']);
  });

  test.each([
    [[], []],
    [[done('create data store'), done('create service orders')], []],
    [[running('create route'), running('remove users')], []],
    [[running('create data store')], ['data t1']],
    [[running('create service a'), running('create service b')], ['deployment t1']],
  ])('ask only about work that a running step waits for: %j', async (steps, expected) => {
    const { source, asked } = sourceOf({});
    await liveSteps(steps, 't1', source);
    expect(asked).toEqual(expected);
  });
});
