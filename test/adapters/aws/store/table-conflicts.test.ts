import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DynamoDBClient, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from '@jest/globals';
import { openTable } from '../../../../adapters/aws/store/table.ts';
import { ConditionFailed } from '../../../../core/errors.ts';
import { put } from '../../../../core/ports/table.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const write = put({ pk: 'p', sk: 's', version: 1, data: {} }, 'absent' as const);

/** A table whose requests fail with the given errors, one after the other, and then succeed. */
function failing(errors: Error[], tenantScoped = false) {
  const clock = new ManualClock();
  let requests = 0;
  const client = {
    async send() {
      requests++;
      const error = errors.shift();
      if (error) throw error;
      return {};
    },
  } as unknown as DynamoDBClient;
  const table = openTable({ client, tableName: 't', clock, random: () => new Uint8Array([255]), tenantScoped });
  return { table, clock, requests: () => requests };
}

function cancelled(...codes: string[]): Error {
  return new TransactionCanceledException({
    message: 'cancelled',
    $metadata: {},
    CancellationReasons: codes.map((Code) => ({ Code })),
  });
}

function named(name: string): Error {
  return Object.assign(new Error('arn:aws:iam::000000000000:role/secret'), { name });
}

/** Runs the retries that are due until `work` completes. */
async function outcomeOf<T>(clock: ManualClock, work: Promise<T>): Promise<PromiseSettledResult<T>> {
  let completed = false;
  const done = Promise.allSettled([work]).finally(() => {
    completed = true;
  });
  while (!completed) {
    clock.advance(10_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const [result] = await done;
  return result as PromiseSettledResult<T>;
}

describe('DynamoTable with concurrent writers of the same items', () => {
  test('retries a transaction that conflicts with another', async () => {
    const { table, clock, requests } = failing([cancelled('TransactionConflict'), cancelled('TransactionConflict')]);
    expect(await outcomeOf(clock, table.transact([write]))).toMatchObject({ status: 'fulfilled' });
    expect(requests()).toBe(3);
  });

  test('fails with UNAVAILABLE after too many conflicts', async () => {
    const { table, clock, requests } = failing(Array.from({ length: 50 }, () => cancelled('TransactionConflict')));
    expect(await outcomeOf(clock, table.transact([write]))).toMatchObject({ reason: { code: 'UNAVAILABLE' } });
    expect(requests()).toBeLessThan(15);
  });

  test('reports failed conditions even if the transaction has other failures', async () => {
    const { table } = failing([cancelled('None', 'ConditionalCheckFailed', 'TransactionConflict')]);
    const writes = ['a', 'b', 'c'].map((sk) => put({ ...write.put, sk }));
    const attempt = table.transact(writes);
    await expect(attempt).rejects.toThrow(ConditionFailed);
    await expect(attempt).rejects.toMatchObject({ failed: [1] });
  });

  test.each([
    ['ProvisionedThroughputExceededException', 'UNAVAILABLE'],
    ['InternalServerError', 'UNAVAILABLE'],
    ['AccessDeniedException', 'INTERNAL'],
    ['AccessDeniedException', 'ACCESS_DENIED', true],
    ['ResourceNotFoundException', 'INTERNAL'],
  ])('reports %s as %s, without the message of AWS', async (name, code, tenantScoped = false) => {
    for (const call of ['get', 'query', 'transact'] as const) {
      const { table } = failing([named(name)], tenantScoped);
      const calls = {
        get: () => table.get({ pk: 'p', sk: 's' }),
        query: () => table.query({ pk: 'p', limit: 1 }),
        transact: () => table.transact([write]),
      };
      const error: unknown = await calls[call]().then(undefined, (reason: unknown) => reason);
      expect(error).toMatchObject({ code, cause: { name } });
      expect(String(error)).not.toContain('arn:');
    }
  });

  test('removes no list elements by index, because emulators differ from AWS when several are removed', () => {
    const folder = join(import.meta.dirname, '../../../../adapters/aws');
    const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
    expect(sources.length).toBeGreaterThan(2);
    for (const name of sources) expect(readFileSync(join(folder, name), 'utf8')).not.toMatch(/\bREMOVE\b.*\[/);
  });
});
