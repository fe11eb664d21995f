import type { CryptoKey, JWTPayload, KeyObject } from 'jose';
import type { CallOptions, Reply } from './home.ts';

/** A control plane of either home, with an admin called 'admin' who has signed in. */
export interface BadInputHome {
  /** By the admin's own access token, unless `token` is 'none' or another token. Text and bytes are sent as they are. */
  call(method: string, path: string, body?: unknown, options?: CallOptions): Promise<Reply>;
  /** All that the home keeps, in one order: what a refused call leaves as it was. */
  stored(): Promise<unknown>;
  /** Details of every event that was sent and not given here before. */
  events(): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** What the home's issuer signs access tokens of admins by. */
  readonly signer: Signer;
  /** Claims of the admin's access token. */
  readonly claims: JWTPayload;
  readonly idToken: string;
  /** Makes a user of the admins' realm. Resolves with the subject of its tokens. */
  createUser(userName: string, role: string): Promise<string>;
  close(): Promise<void>;
}

export interface Signer {
  readonly key: CryptoKey | KeyObject;
  readonly alg: 'RS256' | 'ES256';
  readonly kid: string;
}

/** A request that a home responses otherwise than the tests say, because of what it runs on. */
export interface Difference {
  /** As the test names it. */
  readonly request: string;
  readonly status: number;
  readonly body: unknown;
  readonly why: string;
}
