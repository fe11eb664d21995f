import { compactVerify, importJWK, type JWK } from 'jose';
import * as z from 'zod';
import { Lru } from '../../../core/collections/lru.ts';
import { DomainError } from '../../../core/errors.ts';
import type { SignatureVerifier } from '../../../core/identity/authorize.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import { smallGet } from './small-get.ts';

export interface SignatureOptions {
  /**
   * The location of an issuer's key set: an http(s) URL, or `unix:<socket path>:<request path>`. Undefined if the issuer
   * has no keys: nothing about it is kept, so invented issuers remove no other one from the cache. The location never comes
   * from a token.
   */
  readonly jwksUri: (issuer: string) => string | undefined | Promise<string | undefined>;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Key sets in the cache. @default 1000 */
  readonly cacheSize?: number;
}

export interface Signature {
  readonly verify: SignatureVerifier;
  /** Reads the issuer's keys before a token needs them. Throws UNAVAILABLE if they cannot be read. */
  preload(issuer: string): Promise<void>;
}

/** Keys are fetched again after this time, so that a withdrawn key stops working. */
const MAX_AGE_MS = 10 * 60_000;
/** A token with an unknown kid causes a new fetch, but no more often than this. */
const COOLDOWN_MS = 10_000;

const KeySet = z.object({ keys: z.array(z.looseObject({ kid: z.string(), kty: z.enum(['RSA', 'EC']) })) });

interface Entry {
  /** By kid. */
  readonly keys: ReadonlyMap<string, JWK>;
  /** By algorithm and kid. */
  readonly imported: Map<string, Awaited<ReturnType<typeof importJWK>>>;
  readonly fetchedAt: number;
}

/** Verifies signatures with the keys that the issuers publish. */
export function createSignature({ jwksUri, clock, cacheSize = 1_000 }: SignatureOptions): Signature {
  const entries = new Lru<Entry>(cacheSize);
  const inFlight = new Map<string, Promise<Entry>>();

  async function load(issuer: string): Promise<Entry> {
    const uri = await jwksUri(issuer);
    const keys = uri === undefined ? [] : await fetchKeySet(uri);
    const entry = {
      keys: new Map(keys.map((key) => [key.kid, key])),
      imported: new Map(),
      fetchedAt: clock.monotonic(),
    };
    if (uri !== undefined) entries.set(issuer, entry);
    return entry;
  }

  function refresh(issuer: string): Promise<Entry> {
    const running = inFlight.get(issuer);
    if (running) return running;
    const loading = load(issuer).finally(() => inFlight.delete(issuer));
    inFlight.set(issuer, loading);
    return loading;
  }

  /** The cached entry if it has `kid`, or is too recent to be fetched again; a new one otherwise. */
  async function entryFor(issuer: string, kid: string): Promise<Entry> {
    const known = entries.get(issuer);
    if (!known) return refresh(issuer);
    const age = clock.monotonic() - known.fetchedAt;
    if (known.keys.has(kid) ? age < MAX_AGE_MS : age < COOLDOWN_MS) return known;
    // While the issuer is unavailable, a key that was valid ten minutes ago is better than refusing every request.
    return refresh(issuer).catch((error) => {
      if (known.keys.has(kid)) return known;
      throw error;
    });
  }

  return {
    async preload(issuer) {
      if (!entries.get(issuer)) await refresh(issuer);
    },
    async verify(token, { issuer, kid, alg }) {
      const entry = await entryFor(issuer.issuer, kid);
      const jwk = entry.keys.get(kid);
      if (!jwk) return false;
      try {
        const id = `${alg} ${kid}`;
        const key = entry.imported.get(id) ?? (await importJWK(jwk, alg));
        entry.imported.set(id, key);
        await compactVerify(token, key, { algorithms: [alg] });
        return true;
      } catch {
        return false;
      }
    },
  };
}

/** @returns the public RSA and EC keys at `uri`; none if the realm does not exist. Throws UNAVAILABLE. */
async function fetchKeySet(uri: string): Promise<(JWK & { kid: string })[]> {
  try {
    const { status, text } = await smallGet(uri);
    if (status === 404) return [];
    if (status !== 200) throw new Error(`status ${status}`);
    return KeySet.parse(JSON.parse(text)).keys as (JWK & { kid: string })[];
  } catch (cause) {
    throw new DomainError('UNAVAILABLE', `the key set at ${uri} cannot be read`, { cause });
  }
}
