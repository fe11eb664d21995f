import { Lru } from '../../core/collections/lru.ts';

/**
 * Which headers pass the gateway. Raw header lists (`name, value, name, value ...`, spelled as they came) go in and come
 * out, so that duplicates stay duplicates and no spelling slips through a parser's merging.
 */
type Treatment = 'pass' | 'drop' | 'drop-for-services';

/** Between two neighbours only (RFC 9110, 7.6.1), or written anew by the gateway. */
const OWN = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'content-length',
  'expect',
  'host',
  'authorization',
  'x-request-id',
  'forwarded',
  'x-real-ip',
]);

/** The identity provider's session and metering keys are no service's business. */
const NOT_FOR_SERVICES = new Set(['cookie', 'x-api-key']);

/**
 * Names by which a service, a proxy or AWS might tell a tenant or an identity. Compared without case and punctuation:
 * `X_Tierplane-Tenant`, `x.tierplane.tenant` and `xTierplaneTenant` are one name to some server or other.
 */
const INTERNAL = /^(?:x?tierplane|xamzn|xtenant|tenant(?:id|name|tier)?$|xtier$|xforwarded)/;

/** Headers as clients spell them are few; the bound keeps a client from filling memory with inventions. */
const MAX_KNOWN = 2_000;
const known = new Lru<Treatment>(MAX_KNOWN);

function treatmentOf(name: string): Treatment {
  const cached = known.get(name);
  if (cached !== undefined) return cached;
  const lower = name.trim().toLowerCase();
  const dashed = lower.replaceAll('_', '-');
  const squashed = lower.replace(/[^a-z0-9]/g, '');
  let treatment: Treatment = 'pass';
  if (OWN.has(dashed) || INTERNAL.test(squashed)) treatment = 'drop';
  else if (NOT_FOR_SERVICES.has(dashed)) treatment = 'drop-for-services';
  known.set(name, treatment);
  return treatment;
}

export interface Incoming {
  readonly rawHeaders: readonly string[];
  readonly headers: { readonly connection?: string | undefined };
}

/** What of a client's headers goes on to a service or to the platform, before the gateway adds its own. */
export function requestHeaders({ rawHeaders, headers }: Incoming, to: 'service' | 'platform'): string[] {
  const named = namedByConnection(headers.connection);
  const out: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    const treatment = treatmentOf(name);
    if (treatment === 'drop' || (treatment === 'drop-for-services' && to === 'service')) continue;
    if (named?.has(name.toLowerCase())) continue;
    out.push(name, rawHeaders[i + 1] as string);
  }
  return out;
}

/** Connection's options are hop-by-hop too, but for the body's type. */
function namedByConnection(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined;
  const names = new Set(connection.split(',').map((name) => name.trim().toLowerCase()));
  names.delete('content-type');
  return names;
}

/** Whether the request says itself that a proxy passed it on. */
export function wasForwarded({ headers }: { readonly headers: NodeJS.Dict<string | string[]> }): boolean {
  return FORWARDED.some((name) => headers[name] !== undefined);
}

const FORWARDED = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip'];
