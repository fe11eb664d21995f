import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { MeteringKeys } from '../../../core/ports/metering-keys.ts';
import type { TierName } from '../../../core/tier/tiers.ts';

/** A key as the service that meters has it. */
export interface FoundKey {
  readonly value: string;
  /** The tiers in whose usage plans it is. */
  readonly tiers: readonly TierName[];
}

export interface OpenMeteringKeys {
  readonly keys: MeteringKeys;
  /** The tenant's keys; undefined in a home where no other service has keys. */
  readonly found: ((tenantId: string) => Promise<readonly FoundKey[]>) | undefined;
  close(): Promise<void>;
}

const VALUE = 'value-that-nobody-can-guess-1';
const OTHER = 'value-that-nobody-can-guess-2';

/** What every adapter of the MeteringKeys port must do. */
export function meteringKeysContract(name: string, open: () => Promise<OpenMeteringKeys>): void {
  describe(`${name} as MeteringKeys`, () => {
    let opened: OpenMeteringKeys;
    let keys: MeteringKeys;
    beforeAll(async () => {
      opened = await open();
      keys = opened.keys;
    });
    afterAll(async () => opened.close());

    async function expectKeys(tenantId: string, expected: readonly FoundKey[]): Promise<void> {
      expect(keys.keptIn).toBe(opened.found ? 'service' : 'table');
      if (opened.found) expect(await opened.found(tenantId)).toEqual(expected);
    }

    test('RT-2: a tenant has one key, in the usage plan of its tier, however often it is requested', async () => {
      const key = { tenantId: 'tenant00001', tier: 'basic', value: VALUE } as const;
      await keys.ensure(key);
      await keys.ensure(key);
      await expectKeys(key.tenantId, [{ value: VALUE, tiers: ['basic'] }]);
    });

    test('a key works in the end', async () => {
      const key = { tenantId: 'tenant00006', tier: 'basic', value: VALUE.replace('1', '6') } as const;
      await keys.ensure(key);
      for (let pending = await keys.check(key); pending; pending = await keys.check(key)) {
        expect(pending).toEqual({ pending: 'its new API key does not work yet', lookAgainMs: expect.any(Number) });
      }
      await expect(keys.check({ ...key, tenantId: '../etc' })).rejects.toMatchObject({ code: 'INVALID' });
    });

    test('another value replaces the key', async () => {
      const key = { tenantId: 'tenant00002', tier: 'advanced', value: VALUE.replace('1', '3') } as const;
      await keys.ensure(key);
      await keys.ensure({ ...key, value: OTHER });
      await expectKeys(key.tenantId, [{ value: OTHER, tiers: ['advanced'] }]);
    });

    test('a key moves to the usage plan of another tier, once or again, and leaves the one before', async () => {
      const tenantId = 'tenant00003';
      const value = VALUE.replace('1', '4');
      await keys.ensure({ tenantId, tier: 'basic', value });
      for (const _time of ['once', 'again']) await keys.move({ tenantId, tier: 'premium' });
      await expectKeys(tenantId, [{ value, tiers: ['premium'] }]);
      await keys.ensure({ tenantId, tier: 'advanced', value });
      await expectKeys(tenantId, [{ value, tiers: ['advanced'] }]);
    });

    test('a key is deleted, and a tenant without one is not an error', async () => {
      const tenantId = 'tenant00004';
      const value = VALUE.replace('1', '5');
      await keys.ensure({ tenantId, tier: 'basic', value });
      await keys.ensure({ tenantId: `${tenantId}1`, tier: 'basic', value: VALUE.replace('1', '7') });
      for (const _time of ['once', 'again']) await keys.delete(tenantId);
      await expectKeys(tenantId, []);
      // The id of the other tenant begins with this one's.
      await expectKeys(`${tenantId}1`, [{ value: VALUE.replace('1', '7'), tiers: ['basic'] }]);
    });

    test('a tenant without a key cannot be moved', async () => {
      if (!opened.found) return;
      await expect(keys.move({ tenantId: 'tenant00005', tier: 'basic' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    test.each(['../etc', 'UPPER0000', 'short', '', 'tenant00001#'])('refuses the tenant id %j', async (tenantId) => {
      const refused = { code: 'INVALID' };
      await expect(keys.ensure({ tenantId, tier: 'basic', value: VALUE })).rejects.toMatchObject(refused);
      await expect(keys.move({ tenantId, tier: 'basic' })).rejects.toMatchObject(refused);
      await expect(keys.delete(tenantId)).rejects.toMatchObject(refused);
    });
  });
}
