import { memoize } from '../../core/collections/memoize.ts';
import { HOP_BY_HOP } from '../../core/http/hop-by-hop.ts';
import type { Served } from './admission.ts';
import type { Exchange } from './exchange.ts';

/**
 * Which request headers pass the gateway. Input and output are raw header lists (`name, value, name, value ...` as
 * received), so that duplicates stay duplicates and no spelling is hidden by a parser that merges names.
 */
type Treatment = 'pass' | 'drop' | 'drop-for-services';

/** Headers of the connection, and headers that the gateway writes itself. */
const REPLACED = new Set([
  ...HOP_BY_HOP,
  'content-length',
  'expect',
  'host',
  'authorization',
  'x-request-id',
  'forwarded',
  'x-real-ip',
]);

/** Sessions of the identity provider, and metering keys. Services do not need them. */
const NOT_FOR_SERVICES = new Set(['cookie', 'x-api-key']);

/**
 * Names that a service, a proxy or AWS may use to identify a tenant or a user. They are compared without case and
 * punctuation, because some servers treat `X_Tierplane-Tenant`, `x.tierplane.tenant` and `xTierplaneTenant` as one name.
 */
const INTERNAL = /^(?:x?tierplane|xamzn|xtenant|tenant(?:id|name|tier)?$|xtier$|xforwarded)/;

/** Clients use few header names. The bound keeps a client that invents names from filling the gateway's memory. */
const MAX_CACHED = 2_000;
const treatmentOf = memoize(treatmentOfName, MAX_CACHED);

function treatmentOfName(name: string): Treatment {
  const lower = name.trim().toLowerCase();
  const dashed = lower.replaceAll('_', '-');
  const squashed = lower.replace(/[^a-z0-9]/g, '');
  if (REPLACED.has(dashed) || INTERNAL.test(squashed)) return 'drop';
  return NOT_FOR_SERVICES.has(dashed) ? 'drop-for-services' : 'pass';
}

export interface Incoming {
  readonly rawHeaders: readonly string[];
  readonly headers: { readonly connection?: string | undefined };
}

/** The client's headers that are passed on. The gateway adds its own to them. */
export function requestHeaders({ rawHeaders, headers }: Incoming, to: 'service' | 'platform'): string[] {
  const hopByHop = namedByConnection(headers.connection);
  const out: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    const treatment = treatmentOf(name);
    if (treatment === 'drop' || (treatment === 'drop-for-services' && to === 'service')) continue;
    if (hopByHop?.has(name.toLowerCase())) continue;
    out.push(name, rawHeaders[i + 1] as string);
  }
  return out;
}

/** Headers that `Connection` names are hop-by-hop too. Content-Type passes, because it describes the body. */
function namedByConnection(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined;
  const names = new Set(connection.split(',').map((name) => name.trim().toLowerCase()));
  names.delete('content-type');
  return names;
}

/** HTTP/1.1 requires a `Host`; HTTP/1.0 clients may send none. */
const DEFAULT_HOST = 'localhost';

/** Adds what a service needs to know about the caller: the verified token, and tenant and role from the registry. */
export function addServiceHeaders(headers: string[], { request, requestId }: Exchange, { route, role }: Served): void {
  const { host = DEFAULT_HOST, authorization = '' } = request.headers;
  headers.push('host', host, 'authorization', authorization, 'x-request-id', requestId);
  headers.push('x-tierplane-tenant', route.tenantId, 'x-tierplane-tier', route.tier, 'x-tierplane-role', role);
}

/** Adds what the platform needs to know about the client and the public URL. */
export function addPlatformHeaders(
  headers: string[],
  { request, requestId, clientAddress }: Exchange,
  publicUrl: URL,
): void {
  const { host = DEFAULT_HOST, authorization } = request.headers;
  headers.push('host', host);
  if (authorization !== undefined) headers.push('authorization', authorization);
  headers.push('x-request-id', requestId, 'x-forwarded-for', clientAddress);
  headers.push('x-forwarded-proto', publicUrl.protocol.slice(0, -1), 'x-forwarded-host', publicUrl.host);
}
