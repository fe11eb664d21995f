import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import type { RealmSpec } from '../../../../core/ports/identity.ts';

/** A request to a realm that exists. */
export interface RealmRequest {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly spec: RealmSpec;
  readonly provider: Provider;
  /** The realm's path in the public URL: the path of its issuer. */
  readonly mount: string;
  /** The path below `mount`. */
  readonly path: string;
  readonly query: URLSearchParams;
}
