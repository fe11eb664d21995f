import type { CryptoKey, JWTPayload, KeyObject } from 'jose';
import type { CallOptions, Reply } from './home.ts';

/** A control plane of either home, with an admin called 'admin' who has signed in. */
export interface BadInputHome {
  /** Sends the admin's access token, unless `token` is 'none' or another token. Sends text and bytes unchanged. */
  call(method: string, path: string, body?: unknown, options?: CallOptions): Promise<Reply>;
  /** Everything that the home stores, in a fixed order. A refused request must not change it. */
  stored(): Promise<unknown>;
  /** Details of the events sent since the last call. */
  events(): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** The key with which the home's issuer signs the access tokens of admins. */
  readonly signer: Signer;
  /** Claims of the admin's access token. */
  readonly claims: JWTPayload;
  readonly idToken: string;
  /** Creates a user in the realm of admins. @returns the subject of the user's tokens */
  createUser(userName: string, role: string): Promise<string>;
  close(): Promise<void>;
}

export interface Signer {
  readonly key: CryptoKey | KeyObject;
  readonly alg: 'RS256' | 'ES256';
  readonly kid: string;
}

/** A request to which a home responds differently, because of what it runs on. */
export interface Difference {
  /** The name of the request in the suite. */
  readonly request: string;
  readonly status: number;
  readonly body: unknown;
  readonly why: string;
}
