import type { EmbeddedClientCredentials } from '../adapters/embedded/identity/client-credentials.ts';
import { LOCAL_CREDENTIAL } from '../core/identity/issuers.ts';
import { type DataDir, writePrivate } from './data-dir.ts';

/** The content of `local-credential.json`. */
export interface LocalCredential {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Gives the command line on this machine a new secret: commands that address the data directory sign in with it. */
export async function renewLocalCredential(
  credentials: Pick<EmbeddedClientCredentials, 'renewLocal'>,
  dir: Pick<DataDir, 'localCredential'>,
): Promise<void> {
  const clientSecret = await credentials.renewLocal();
  writePrivate(dir.localCredential, { clientId: LOCAL_CREDENTIAL, clientSecret } satisfies LocalCredential);
}
