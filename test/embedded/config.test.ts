import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { loadConfig } from '../../embedded/config.ts';

describe('config.json', () => {
  const dir = mkdtempSync(join(tmpdir(), 'cfg-'));
  const file = join(dir, 'config.json');
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const load = (content: object) => {
    writeFileSync(file, JSON.stringify(content));
    return loadConfig(file, { demo: false });
  };

  test("has the gateway's upstream 'own' by default, also if the gateway has an empty section", () => {
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

  test.each(['https://a.example', 'http://localhost:3000', 'http://[::1]:8080'])(
    'DX-8: accepts the origin %s',
    (origin) => {
      expect(load({ corsOrigins: [origin], gateway: { corsOrigins: [origin] } })).toMatchObject({
        corsOrigins: [origin],
        gateway: { corsOrigins: [origin] },
      });
    },
  );

  test.each([
    '*',
    'null',
    'a.example',
    'https://a.example/',
    'https://a.example/app',
    'https://A.example',
    'https://a.example:443',
  ])('DX-8: refuses the origin %s, which no browser sends', (origin) => {
    expect(() => load({ corsOrigins: [origin] })).toThrow(/corsOrigins\.0: must /);
    expect(() => load({ gateway: { corsOrigins: [origin] } })).toThrow(/gateway\.corsOrigins\.0: must /);
  });

  test('DX-8: reads reserved names, and refuses those that no tenant could have', () => {
    expect(load({ reservedNames: ['www', 'Help Desk'] }).reservedNames).toEqual(['www', 'Help Desk']);
    expect(() => load({ reservedNames: ['a\u200bb'] })).toThrow(/reservedNames\.0: must not contain/);
  });

  test('ON-9: takes for the first admin an email that can be a user name', () => {
    expect(load({ adminEmail: 'r&d@acme.example' }).adminEmail).toBe('r&d@acme.example');
    expect(() => load({ adminEmail: `${'x'.repeat(64)}@${'y.'.repeat(40)}example` })).toThrow(
      /adminEmail: must have at most 128/,
    );
  });
});
