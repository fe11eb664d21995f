import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { PooledStores } from '../../../../adapters/embedded/runtime/supervisor/pooled-stores.ts';
import { openTable } from '../../../../adapters/embedded/store/table.ts';
import { systemClock } from '../../../../adapters/shared/clock.ts';
import { put } from '../../../../core/ports/table.ts';
import { scopedTable } from '../../../../core/tenant/scoped-table.ts';
import { recordingLog } from '../../../support/recording-log.ts';
import { openScratchTable } from '../../../support/scratch-table.ts';

const [TENANT, SIBLING] = ['tenant00001', 'tenant000010'];

let folder: string;
let scratch: Awaited<ReturnType<typeof openScratchTable>>;
let lines: string[];
let stores: PooledStores;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tp-pool-'));
  scratch = await openScratchTable();
  lines = [];
  stores = new PooledStores({
    folder,
    isService: (name) => ['orders', 'products'].includes(name),
    table: scratch.table,
    clock: systemClock,
    log: recordingLog(lines),
  });
  for (const name of ['orders.db', 'products.db']) await fill(name);
});
afterEach(async () => {
  await scratch.close();
  for (const each of [folder, elsewhere()]) rmSync(each, { recursive: true, force: true });
});

const path = (name: string) => join(folder, name);
/** A store outside the folder, to which a link may lead. */
const elsewhere = () => `${folder}.elsewhere`;

async function fill(name: string): Promise<void> {
  const table = openTable({ file: path(name), clock: systemClock });
  for (const tenantId of [TENANT, SIBLING]) {
    await table.transact([put({ pk: `${tenantId}#x`, sk: 'y', version: 1, data: {} })]);
  }
  await table.close();
}

async function holds(name: string, tenantId: string): Promise<boolean> {
  const table = openTable({ file: path(name), clock: systemClock });
  try {
    return table.hasPartitions(tenantId);
  } finally {
    await table.close();
  }
}

/** Everything that may lie in the folder and is not a store. */
const UNKNOWN: readonly (readonly [string, () => void])[] = [
  ['a text file', () => writeFileSync(path('notes.db'), 'milk, bread')],
  ['an empty file', () => writeFileSync(path('empty.db'), '')],
  ['the database of another program', () => foreign('shop.db')],
  ['the database of another program, locked', () => foreign('shop.db').exec('BEGIN EXCLUSIVE')],
  ['a directory', () => mkdirSync(path('old.db'))],
  ['a link to a store', () => symlinkSync(path('orders.db'), path('link.db'))],
  ['a link to nothing', () => symlinkSync('/nowhere', path('link.db'))],
  ['a pipe', () => void spawnSync('mkfifo', [path('pipe.db')])],
  [
    'a file without rights',
    () => {
      writeFileSync(path('secret.db'), 'x');
      chmodSync(path('secret.db'), 0);
    },
  ],
  ['a file of another kind', () => writeFileSync(path('README'), 'x')],
  ['a store of a newer version', () => newer('next.db')],
];

const opened: DatabaseSync[] = [];
afterEach(() => {
  for (const db of opened.splice(0)) db.close();
});

function foreign(name: string): DatabaseSync {
  const db = new DatabaseSync(path(name));
  db.exec('CREATE TABLE customers (id); INSERT INTO customers VALUES (1)');
  opened.push(db);
  return db;
}

function newer(name: string): void {
  const db = new DatabaseSync(path(name));
  db.exec('PRAGMA user_version = 9999; CREATE TABLE items (x); CREATE TABLE deliveries (x)');
  db.close();
}

describe('the pooled stores', () => {
  test.each(UNKNOWN)('ignore %s, and report it once', async (_what, create) => {
    create();
    for (let round = 0; round < 3; round++) {
      expect(await stores.has(TENANT)).toBe(round === 0);
      await stores.remove(TENANT);
    }
    expect(await holds('orders.db', TENANT)).toBe(false);
    expect(await holds('orders.db', SIBLING)).toBe(true);
    expect(lines).toHaveLength(1);
    expect(stores.notes).toHaveLength(1);
  });

  test('include the store of a service that the application no longer has', async () => {
    await fill('reviews.db');
    await stores.remove(TENANT);
    expect([await holds('reviews.db', TENANT), await holds('reviews.db', SIBLING)]).toEqual([false, true]);
    expect(lines).toEqual([]);
  });

  const DAMAGE: readonly (readonly [string, () => void])[] = [
    ['holds something else', () => writeFileSync(path('orders.db'), 'not a database at all'.repeat(500))],
    ['is cut off', () => truncateSync(path('orders.db'), 5_000)],
    [
      'is the database of another program',
      () => {
        rmSync(path('orders.db'));
        foreign('orders.db');
      },
    ],
    [
      'is a directory',
      () => {
        rmSync(path('orders.db'));
        mkdirSync(path('orders.db'));
      },
    ],
    [
      'is a link',
      () => {
        renameSync(path('orders.db'), elsewhere());
        symlinkSync(elsewhere(), path('orders.db'));
      },
    ],
    ['has a damaged page', () => damagePage('orders.db')],
  ];

  test.each(DAMAGE)(
    'a store that %s stays as it is and delays only its own deletions, which follow as soon as it is restored',
    async (_what, damage) => {
      damage();
      const before = content('orders.db');
      expect(await stores.has(TENANT)).toBe(true);
      await stores.remove(TENANT);
      await stores.remove(TENANT);
      expect(await stores.has(TENANT)).toBe(false);
      expect(await holds('products.db', TENANT)).toBe(false);
      expect(content('orders.db')).toEqual(before);
      expect(stores.notes).toEqual([expect.stringContaining(path('orders.db'))]);

      await stores.deleteWaiting();
      for (const db of opened.splice(0)) db.close();
      for (const suffix of ['', '-wal', '-shm']) rmSync(path(`orders.db${suffix}`), { recursive: true, force: true });
      await fill('orders.db');
      await stores.deleteWaiting();
      expect([await holds('orders.db', TENANT), await holds('orders.db', SIBLING)]).toEqual([false, true]);
      expect(stores.notes).toEqual([]);
      // The deletion has ended, so a backup that is restored later keeps its items.
      await fill('orders.db');
      await stores.deleteWaiting();
      expect(await holds('orders.db', TENANT)).toBe(true);
    },
  );

  test('a store that another process keeps locked makes a deletion fail, without blocking this process', async () => {
    const holder = new DatabaseSync(path('orders.db'));
    opened.push(holder);
    holder.exec('BEGIN IMMEDIATE');
    let turns = 0;
    const counting = setInterval(() => (turns += 1), 10);
    await expect(stores.remove(TENANT)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    clearInterval(counting);
    expect(turns).toBeGreaterThan(50);
    holder.exec('ROLLBACK');
    await stores.remove(TENANT);
    expect(await holds('orders.db', TENANT)).toBe(false);
  });
});

function content(name: string): string {
  try {
    return readFileSync(path(name), 'hex');
  } catch {
    return 'not a file';
  }
}

function damagePage(name: string): void {
  const bytes = readFileSync(path(name));
  bytes.fill(0xff, 4_096, 4_096 * 3);
  writeFileSync(path(name), bytes);
}

test('ON-6: once a tenant is closed, a service writes nothing for it, and goes on for others', async () => {
  await stores.close(TENANT);
  await stores.remove(TENANT);
  expect(await stores.has(TENANT)).toBe(false);
  for (const name of ['orders.db', 'products.db']) {
    const table = openTable({ file: path(name), clock: systemClock });
    const write = (tenantId: string) =>
      scopedTable(table, tenantId).transact([put({ pk: `${tenantId}#x`, sk: 'late', version: 1, data: {} })]);
    await expect(write(TENANT)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(write(SIBLING)).resolves.toBeUndefined();
    await table.close();
  }
  expect(await stores.has(TENANT)).toBe(false);
});
