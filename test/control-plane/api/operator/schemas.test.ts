import { describe, expect, test } from '@jest/globals';
import type * as z from 'zod';
import { DeadLetterList, ServiceList, TierTable } from '../../../../control-plane/api/operator/schemas.ts';
import { TenantProgress } from '../../../../control-plane/api/tenants/progress-schemas.ts';
import { TenantList } from '../../../../control-plane/api/tenants/responses.ts';
import { TIERS } from '../../../../tenant-templates/tiers.ts';

const TIME = '2026-01-01T00:00:00.000Z';
const TASK = { taskId: 'a', pid: 7, state: 'healthy', endpoint: '/run/a.sock', startedAt: TIME, rssBytes: 1.5 };
const SERVICE = {
  ...{ cluster: 'pool', tenantId: null, service: 'orders', desired: 1, tasks: [TASK], restarts: 0 },
  ...{ lastFailure: 'hung', uid: 1_000 },
};
const EVENT = { id: 'e', source: 's', detailType: 't', detail: { own: 1 }, time: TIME };
const LETTER = { id: 'c~e', consumer: 'c', event: EVENT, attempts: 3, reason: 'r', failedAt: TIME };
const STEP = { name: 'route', status: 'failed', startedAt: TIME, endedAt: TIME, reason: 'r' };
const PROGRESS = { tenantId: 'acme0000', state: 'failed', reason: 'r', steps: [STEP] };
const ACTION = { name: 'retry', allowed: false, reason: 'r' };
const TENANT = {
  ...{
    tenantId: 'acme0000',
    tenantRegistrationId: 'reg-acme0000',
    sbtaws_active: true,
    state: 'active',
    created: TIME,
  },
  ...{
    modified: TIME,
    tenantName: 'Acme',
    slug: 'acme',
    email: 'a@b.example',
    tier: 'basic',
    actions: [ACTION],
    own: 1,
  },
};

/** `value` with another value at `path`. */
function changed(value: unknown, [key, ...rest]: readonly (string | number)[], to: unknown): unknown {
  if (key === undefined) return to;
  const copy = structuredClone(value) as Record<string | number, unknown>;
  copy[key] = changed(copy[key], rest, to);
  return copy;
}

const RESPONSES: Readonly<
  Record<string, readonly [schema: z.ZodType, body: unknown, bad: readonly [path: string, value: unknown][]]>
> = {
  services: [
    ServiceList,
    { data: [SERVICE] },
    [
      ['data.0.cluster', 'x'],
      ['data.0.desired', 0.5],
      ['data.0.restarts', 0.5],
      ['data.0.uid', 0.5],
      ['data.0.tasks.0.pid', 0.5],
      ['data.0.tasks.0.state', 'x'],
    ],
  ],
  'the tier table': [
    TierTable,
    { data: TIERS },
    [
      ['data.basic.isolation', 'x'],
      ['data.basic.task.desired', 0.5],
      ['data.basic.task.max', 0.5],
      ['data.basic.concurrency', 0.5],
      ['data.basic.usagePlan.rate', 'x'],
    ],
  ],
  'dead letters': [
    DeadLetterList,
    { data: [LETTER], next_token: 'x' },
    [
      ['data.0.attempts', 0.5],
      ['data.0.event.detail', 'x'],
    ],
  ],
  'the progress of a tenant': [
    TenantProgress,
    { data: PROGRESS },
    [
      ['data.state', 'x'],
      ['data.steps.0.status', 'x'],
    ],
  ],
  tenants: [
    TenantList,
    { data: [TENANT] },
    [
      ['data.0.state', 'x'],
      ['data.0.actions.0.name', 'x'],
      ['data.0.actions.0.allowed', 'x'],
    ],
  ],
};

describe.each(Object.entries(RESPONSES))('DX-4: the declared response with %s', (_what, [schema, body, bad]) => {
  test('describes what the API sends', () => {
    expect(schema.safeParse(body).error).toBeUndefined();
  });

  test.each(bad)('does not describe one with another %s, such as %j', (path, value) => {
    const keys = path.split('.').map((key) => (/^\d+$/.test(key) ? Number(key) : key));
    expect(schema.safeParse(changed(body, keys, value)).success).toBe(false);
  });
});
