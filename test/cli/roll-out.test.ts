import { describe, expect, test } from '@jest/globals';
import { CliError } from '../../cli/exit-codes.ts';
import { rollOut } from '../../cli/roll-out.ts';
import type { ServiceStatus, TaskStatus } from '../../core/ports/runtime.ts';

const KEY = { cluster: 'pool', tenantId: null, service: 'orders' } as const;

function task(taskId: string): TaskStatus {
  return { taskId, pid: 1, state: 'healthy', endpoint: `/run/${taskId}.sock`, startedAt: '2026-01-01T00:00:00.000Z' };
}

/** A platform that shows these tasks: one list for each request. */
function showing(...lists: TaskStatus[][]) {
  const requests: string[] = [];
  async function call<T>(method: string, path: string): Promise<T> {
    requests.push(`${method} ${path}`);
    const service: ServiceStatus = { ...KEY, desired: 1, tasks: lists.shift() ?? [], restarts: 0 };
    return { data: [service] } as T;
  }
  return { call, requests, tierplane: 'npx tierplane', isElsewhere: false };
}

const change = (request: () => Promise<unknown>) => ({
  key: KEY,
  doing: 'pool/orders is being replaced',
  request,
  isNew: ({ taskId }: TaskStatus) => taskId !== 'old',
  desired: 1,
});

describe('a roll-out', () => {
  test('is complete when the platform reports it', async () => {
    const platform = showing();
    await rollOut(
      platform,
      change(async () => undefined),
    );
    expect(platform.requests).toEqual([]);
  });

  test('is awaited for longer than the gateway waits for the response', async () => {
    const platform = showing([task('old')], [task('new')]);
    const late = Promise.reject(new CliError('timeout', 'Endpoint request timed out'));
    await rollOut(
      platform,
      change(() => late),
    );
    expect(platform.requests).toEqual(Array(2).fill('GET /operator/services?cluster=pool'));
  }, 20_000);

  test('on another machine is complete only when the platform shows its tasks: AWS responds when it has begun', async () => {
    const platform = { ...showing([task('new')]), isElsewhere: true };
    await rollOut(
      platform,
      change(async () => undefined),
    );
    expect(platform.requests).toEqual(['GET /operator/services?cluster=pool']);
  }, 20_000);

  test('that the platform refuses is refused at once', async () => {
    const refused = change(async () => Promise.reject(new CliError('refused', 'no service')));
    await expect(rollOut(showing(), refused)).rejects.toThrow('no service');
  });
});
