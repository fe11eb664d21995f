import { beforeAll, describe, expect, test } from '@jest/globals';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { createSignature } from '../../../../adapters/shared/identity/signature.ts';
import { startKeySetServer } from '../../../support/key-set-server.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { startRealmServer } from '../../embedded/identity/realm-server.ts';

const ISSUER = { issuer: 'x', realm: 'pool', clientIds: [], audience: '' } as const;
let token: string;
let published: JWK;

beforeAll(async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  published = { ...(await exportJWK(publicKey)), kid: 'known' };
  token = await new SignJWT({}).setProtectedHeader({ alg: 'ES256', kid: 'known' }).sign(privateKey);
});

const by = (kid: string) => ({ issuer: ISSUER, kid, alg: 'ES256' as const });

describe('the key sets of issuers', () => {
  test('are fetched once for many tokens, and again for an unknown kid every ten seconds at most', async () => {
    const server = await startKeySetServer([published]);
    const clock = new ManualClock();
    const { verify } = createSignature({ jwksUri: () => server.url, clock });
    try {
      const verdicts = await Promise.all(Array.from({ length: 20 }, () => verify(token, by('known'))));
      expect(new Set(verdicts)).toEqual(new Set([true]));
      expect(server.requests()).toBe(1);
      for (let i = 0; i < 20; i++) expect(await verify(token, by(`unknown-${i}`))).toBe(false);
      expect(server.requests()).toBe(1);
      clock.advance(11_000);
      for (let i = 0; i < 20; i++) expect(await verify(token, by(`unknown-${i}`))).toBe(false);
      expect(server.requests()).toBe(2);
    } finally {
      await server.close();
    }
  });

  test('are fetched again after ten minutes; a known key is accepted while its issuer is unavailable', async () => {
    const server = await startKeySetServer([published]);
    const clock = new ManualClock();
    const { verify } = createSignature({ jwksUri: () => server.url, clock });
    expect(await verify(token, by('known'))).toBe(true);
    clock.advance(600_000);
    expect(await verify(token, by('known'))).toBe(true);
    expect(server.requests()).toBe(2);
    await server.close();
    clock.advance(600_000);
    expect(await verify(token, by('known'))).toBe(true);
    await expect(verify(token, by('unknown'))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('are fetched again after ten minutes, although the date is set back meanwhile', async () => {
    const server = await startKeySetServer([published]);
    const clock = new ManualClock();
    const { verify } = createSignature({ jwksUri: () => server.url, clock });
    try {
      await verify(token, by('known'));
      clock.setDate(-7_200_000);
      clock.advance(600_000);
      await verify(token, by('known'));
      expect(server.requests()).toBe(2);
    } finally {
      await server.close();
    }
  });

  test('while a key set cannot be fetched, the tokens of its issuer fail with UNAVAILABLE, not as invalid', async () => {
    const server = await startKeySetServer([]);
    await server.close();
    const { verify } = createSignature({ jwksUri: () => server.url, clock: new ManualClock() });
    await expect(verify(token, by('known'))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('are empty for an issuer without a location', async () => {
    const server = await startKeySetServer([published]);
    const { verify } = createSignature({
      jwksUri: (issuer) => (issuer === 'x' ? server.url : undefined),
      clock: new ManualClock(),
    });
    try {
      expect(await verify(token, by('known'))).toBe(true);
      const elsewhere = { ...by('known'), issuer: { ...ISSUER, issuer: 'y' } };
      expect(await verify(token, elsewhere)).toBe(false);
      expect(server.requests()).toBe(1);
    } finally {
      await server.close();
    }
  });

  test('SE-6: stay in the cache, whatever issuers without a location strangers invent', async () => {
    const server = await startKeySetServer([published]);
    const jwksUri = async (issuer: string) => (issuer === 'x' ? server.url : undefined);
    const { verify } = createSignature({ jwksUri, clock: new ManualClock(), cacheSize: 10 });
    try {
      expect(await verify(token, by('known'))).toBe(true);
      const invented = Array.from({ length: 100 }, (_, i) => ({
        ...by('known'),
        issuer: { ...ISSUER, issuer: `y${i}` },
      }));
      for (const one of invented) expect(await verify(token, one)).toBe(false);
      expect(await verify(token, by('known'))).toBe(true);
      expect(server.requests()).toBe(1);
    } finally {
      await server.close();
    }
  });

  test('a realm publishes the public parts of its keys only, and an unknown realm none', async () => {
    const server = await startRealmServer();
    try {
      const response = await fetch(`${server.issuer('pool')}/jwks`);
      const { keys } = (await response.json()) as { keys: JWK[] };
      expect(keys).toHaveLength(1);
      expect(keys[0]).not.toHaveProperty('d');
      expect((await fetch(`${server.issuer('tenant-nosuchrealm')}/jwks`)).status).toBe(404);
    } finally {
      await server.close();
    }
  });
});
