import { HOP_BY_HOP } from '../../core/http/hop-by-hop.ts';

/** The HTTP client writes `Host`; Node has responded to `Expect`. */
const NOT_FORWARDED = new Set([...HOP_BY_HOP, 'host', 'expect']);

/**
 * The request headers that a service receives: all but those of the connection. Input and output are raw header lists
 * (`name, value, name, value ...`), so that duplicates stay duplicates.
 */
export function requestHeaders(raw: readonly string[]): string[] {
  return without(raw, NOT_FORWARDED);
}

/** The response headers that the client receives: all but those of the connection. */
export function responseHeaders(raw: readonly string[]): string[] {
  return without(raw, HOP_BY_HOP);
}

function without(raw: readonly string[], dropped: ReadonlySet<string>): string[] {
  const named = namedByConnection(raw);
  const kept: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] as string).toLowerCase();
    if (!dropped.has(name) && !named.has(name)) kept.push(raw[i] as string, raw[i + 1] as string);
  }
  return kept;
}

/** What an upstream proxy vouches for, and what frames or describes the message. `Connection` cannot remove these. */
const END_TO_END = /^(authorization|content-(length|type)|tenantpath|x-tierplane-.*)$/;

/** The headers that `Connection` names are hop-by-hop, too. */
function namedByConnection(raw: readonly string[]): ReadonlySet<string> {
  const values = raw.filter((_, i) => i % 2 === 1 && (raw[i - 1] as string).toLowerCase() === 'connection');
  const names = values.flatMap((value) => value.split(',')).map((name) => name.trim().toLowerCase());
  return new Set(names.filter((name) => !END_TO_END.test(name)));
}
