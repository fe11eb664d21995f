import type { Guard } from './guard.ts';
import type { Check } from './table.ts';

/** A confidential client of the admin realm, for scripts. Its secret is shown once, when the credential is created. */
export interface ClientCredential {
  /** `credential-<id>`: the OAuth client id. */
  readonly clientId: string;
  /** A label; it need not be unique. */
  readonly name: string;
  /** Scopes its tokens carry; a token request may ask for fewer. */
  readonly scopes: readonly string[];
  /** ISO 8601, UTC. */
  readonly created: string;
  /** The user name or client id that created it. */
  readonly createdBy: string;
}

/** OAuth clients for the client credentials grant (RFC 6749, section 4.4). Embedded only: on AWS the stack declares one. */
export interface ClientCredentials {
  /** The same credentials, for changes on behalf of a caller; see `Identity.guardedBy`. */
  guardedBy(guard: Guard): ClientCredentials;
  /** Throws CONFLICT if there are 100 already. */
  create(options: {
    readonly name: string;
    readonly scopes: readonly string[];
    readonly createdBy: string;
  }): Promise<{ readonly credential: ClientCredential; readonly clientSecret: string }>;
  get(clientId: string): Promise<ClientCredential | undefined>;
  /** The conditions under which a credential may act, or undefined if it does not exist. */
  basisOf(clientId: string): Promise<readonly Check[] | undefined>;
  /** All of them, in order of client id. */
  list(): Promise<readonly ClientCredential[]>;
  /** Its tokens stop working at once. Throws NOT_FOUND, or CONFLICT for the machine-local credential. */
  delete(clientId: string): Promise<void>;
}
