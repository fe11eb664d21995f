import { formatIp, holds, type IpAddress, type IpRange, isV4, maskIp, parseIp, parseRange } from './ip-address.ts';

/** The address of a client whose connection has none. */
export const UNKNOWN_ADDRESS = 'unknown';

/** The word for the addresses of this machine in a list of trusted proxies. */
const LOOPBACK = 'loopback';
const LOOPBACK_RANGES = ['127.0.0.0/8', '::1'];

/** Which proxies may say for whom they forward a request. */
export interface TrustedProxies {
  /** Whether no proxy is trusted. */
  readonly none: boolean;
  has(address: IpAddress): boolean;
}

/**
 * Whether `text` may be in a list of trusted proxies: an address, a range such as `10.0.0.0/8`, or `loopback`. A range of
 * all addresses may not, because every client could then choose its address.
 */
export function isProxyRange(text: string): boolean {
  return text === LOOPBACK || (parseRange(text) !== undefined && !/\/0+$/.test(text));
}

/** Parses a list of trusted proxies, each of which `isProxyRange` accepts. */
export function trustedProxies(list: readonly string[]): TrustedProxies {
  const ranges: IpRange[] = [];
  for (const text of list.flatMap((one) => (one === LOOPBACK ? LOOPBACK_RANGES : [one]))) {
    const range = parseRange(text);
    if (range) ranges.push(range);
  }
  return { none: ranges.length === 0, has: (address) => ranges.some((range) => holds(range, address)) };
}

/**
 * The canonical address of the other end of a connection: IPv4-mapped addresses as IPv4, without a zone. UNKNOWN_ADDRESS
 * for a connection that has none, such as a Unix socket.
 */
export function socketAddress(remoteAddress: string | undefined): string {
  const address = parseIp(remoteAddress?.split('%', 1)[0] ?? '');
  return address ? formatIp(address) : UNKNOWN_ADDRESS;
}

/**
 * The client's address: that of the connection, unless a trusted proxy has made it. Then `Forwarded` (RFC 7239) or
 * `X-Forwarded-For` names the client. They are read from the right, because each proxy adds its client at the end, and a
 * client can forge what stands before. The first address that is not a trusted proxy's is the client's. Where the chain
 * ends earlier, at an unknown, obfuscated or malformed hop, the last address that is known counts.
 *
 * If both headers are present and name different clients, one of them came from the client unchanged. Neither counts
 * then, so that a client cannot choose its address with the header that the proxy does not write.
 *
 * @param peer canonical address of the connection, from `socketAddress`
 * @param rawHeaders `name, value, name, value ...` as received
 */
export function clientBehindProxies(peer: string, rawHeaders: readonly string[], trusted: TrustedProxies): string {
  const address = parseIp(peer);
  if (trusted.none || !address || !trusted.has(address)) return peer;
  const forwarded = headerValue(rawHeaders, 'forwarded');
  const forwardedFor = headerValue(rawHeaders, 'x-forwarded-for');
  const named = [
    ...(forwarded === undefined ? [] : [firstUntrusted(peer, hopsOfForwarded(forwarded), trusted)]),
    ...(forwardedFor === undefined ? [] : [firstUntrusted(peer, hopsOfForwardedFor(forwardedFor), trusted)]),
  ];
  const [first = peer, second = first] = named;
  return first === second ? first : peer;
}

/** All lines of a header as one list (RFC 9110, 5.3). */
function headerValue(rawHeaders: readonly string[], name: string): string | undefined {
  let value: string | undefined;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() !== name) continue;
    value = value === undefined ? rawHeaders[index + 1] : `${value},${rawHeaders[index + 1]}`;
  }
  return value;
}

/** @param hops from left to right; undefined where a hop has no address */
function firstUntrusted(peer: string, hops: readonly (IpAddress | undefined)[], trusted: TrustedProxies): string {
  let nearest = peer;
  for (let index = hops.length - 1; index >= 0; index--) {
    const hop = hops[index];
    if (!hop) return nearest;
    nearest = formatIp(hop);
    if (!trusted.has(hop)) return nearest;
  }
  return nearest;
}

function hopsOfForwardedFor(value: string): (IpAddress | undefined)[] {
  return value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(addressOfNode);
}

/** One `name=value` of `Forwarded`, where the value is a token or a quoted string, and what separates it from the next. */
const PAIR = /[ \t]*(?:([\w!#$%&'*+.^`|~-]+)=(?:([\w!#$%&'*+.^`|~:[\]-]+)|"((?:[^"\\]|\\.)*)"))?[ \t]*(;|,|$)/y;

/** The hops of `Forwarded`. A malformed header has one hop without an address, because nothing in it can be trusted. */
function hopsOfForwarded(value: string): (IpAddress | undefined)[] {
  const hops: (IpAddress | undefined)[] = [];
  let node: string | undefined;
  let isEmpty = true;
  PAIR.lastIndex = 0;
  for (;;) {
    const match = PAIR.exec(value);
    if (!match) return [undefined];
    const [, name, token, quoted, separator] = match;
    if (name !== undefined) isEmpty = false;
    if (name?.toLowerCase() === 'for') {
      if (node !== undefined) return [undefined];
      node = token ?? quoted?.replace(/\\(.)/g, '$1') ?? '';
    }
    if (separator === ';') continue;
    // A list may have empty elements (RFC 9110, 5.6.1).
    if (!isEmpty) hops.push(node === undefined ? undefined : addressOfNode(node));
    if (separator !== ',') return hops;
    node = undefined;
    isEmpty = true;
  }
}

/** `192.0.2.1`, `192.0.2.1:443`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:443`; ports may be obfuscated. */
const NODE = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(?:\d{1,5}|_[\w.-]+))?$/;

function addressOfNode(node: string): IpAddress | undefined {
  const [, bracketed, plain] = NODE.exec(node) ?? [];
  if (bracketed !== undefined) return bracketed.includes(':') ? parseIp(bracketed) : undefined;
  return parseIp(plain ?? node);
}

/** Home networks and servers get at least this many bits from their providers, and choose the others themselves. */
const V6_NETWORK_BITS = 64;

/**
 * Who counts as one client in limits by address: an IPv4 address, or the /64 network of an IPv6 address, whose owner can
 * use each of its addresses. Any other text is returned unchanged.
 */
export function clientGroup(address: string): string {
  const parsed = address.includes(':') ? parseIp(address) : undefined;
  if (!parsed) return address;
  return isV4(parsed) ? formatIp(parsed) : `${formatIp(maskIp(parsed, V6_NETWORK_BITS))}/64`;
}
