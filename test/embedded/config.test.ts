import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { loadConfig } from '../../embedded/config.ts';

describe('gateway.upstream in config.json', () => {
  const dir = mkdtempSync(join(tmpdir(), 'cfg-'));
  const file = join(dir, 'config.json');
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const load = (content: object) => {
    writeFileSync(file, JSON.stringify(content));
    return loadConfig(file, { demo: false });
  };

  test("is 'own' by default, also if the gateway has an empty section", () => {
    expect(load({}).gateway).toEqual({ upstream: 'own' });
    expect(load({ gateway: {} }).gateway).toEqual({ upstream: 'own' });
  });

  test("accepts 'undici'", () => {
    expect(load({ gateway: { upstream: 'undici' } }).gateway).toEqual({ upstream: 'undici' });
  });

  test('refuses other clients and unknown keys', () => {
    expect(() => load({ gateway: { upstream: 'curl' } })).toThrow('gateway.upstream: must be one of own, undici');
    expect(() => load({ gateway: { client: 'own' } })).toThrow('gateway.client: unknown key');
  });
});
