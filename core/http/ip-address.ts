/** The 16 bytes of an IPv6 address. An IPv4 address is held as the IPv4-mapped address `::ffff:a.b.c.d`. */
export type IpAddress = readonly number[];

const MAPPED_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
/** Bits before the IPv4 part of an IPv4-mapped address. */
const MAPPED_BITS = 96;
const DECIMAL_BYTE = /^(?:0|[1-9]\d{0,2})$/;
const HEX_GROUP = /^[0-9a-f]{1,4}$/i;

/** Parses an IPv4 or IPv6 address without brackets, port or zone. @returns undefined for any other text */
export function parseIp(text: string): IpAddress | undefined {
  return text.includes(':') ? parseV6(text) : parseV4(text);
}

function parseV4(text: string): IpAddress | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => DECIMAL_BYTE.test(part) && Number(part) <= 255)) return undefined;
  return [...MAPPED_PREFIX, ...parts.map(Number)];
}

function parseV6(text: string): IpAddress | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, index) => groupsOf(half, index === halves.length - 1));
  if (!head || (halves.length === 2 && !tail)) return undefined;
  if (!tail) return head.length === 16 ? head : undefined;
  // '::' stands for at least one group of zeros.
  const zeros = 16 - head.length - tail.length;
  return zeros >= 2 ? [...head, ...Array<number>(zeros).fill(0), ...tail] : undefined;
}

/** The bytes of groups such as `2001:db8`, of which the last may be an IPv4 address. */
function groupsOf(text: string, isLast: boolean): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [index, group] of groups.entries()) {
    if (HEX_GROUP.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
      continue;
    }
    const v4 = isLast && index === groups.length - 1 && group.includes('.') ? parseV4(group) : undefined;
    if (!v4) return undefined;
    bytes.push(...v4.slice(12));
  }
  return bytes.length <= 16 ? bytes : undefined;
}

/** Whether the address is an IPv4 address. */
export function isV4(address: IpAddress): boolean {
  return MAPPED_PREFIX.every((byte, index) => address[index] === byte);
}

/** The canonical text: dotted decimal for IPv4, RFC 5952 for IPv6. Equal addresses have equal texts. */
export function formatIp(address: IpAddress): string {
  if (isV4(address)) return address.slice(12).join('.');
  const groups = Array.from({ length: 8 }, (_, index) => {
    return (((address[2 * index] ?? 0) << 8) | (address[2 * index + 1] ?? 0)).toString(16);
  });
  const { start, length } = longestZeros(groups);
  if (length < 2) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}

/** The first of the longest runs of zeros. */
function longestZeros(groups: readonly string[]): { readonly start: number; readonly length: number } {
  let longest = { start: 0, length: 0 };
  let start = 0;
  for (const [index, group] of groups.entries()) {
    if (group !== '0') start = index + 1;
    else if (index + 1 - start > longest.length) longest = { start, length: index + 1 - start };
  }
  return longest;
}

/** The addresses whose first `bits` bits equal those of `base`. */
export interface IpRange {
  readonly base: IpAddress;
  /** 0..128. For an IPv4 range, 96 more than its prefix length. */
  readonly bits: number;
}

/** Parses `10.0.0.0/8`, `2001:db8::/32`, or a single address. @returns undefined for any other text */
export function parseRange(text: string): IpRange | undefined {
  const [address = '', prefix, ...rest] = text.split('/');
  const base = parseIp(address);
  if (!base || rest.length > 0) return undefined;
  const max = address.includes(':') ? 128 : 32;
  if (prefix !== undefined && (!/^\d{1,3}$/.test(prefix) || Number(prefix) > max)) return undefined;
  return { base, bits: (max === 32 ? MAPPED_BITS : 0) + (prefix === undefined ? max : Number(prefix)) };
}

/** Whether the range holds the address. An IPv4 range holds the same addresses in their IPv4-mapped form. */
export function holds({ base, bits }: IpRange, address: IpAddress): boolean {
  const whole = bits >> 3;
  for (let index = 0; index < whole; index++) if (base[index] !== address[index]) return false;
  const mask = (0xff00 >> (bits & 7)) & 0xff;
  return ((base[whole] ?? 0) & mask) === ((address[whole] ?? 0) & mask);
}

/** The first `bits` bits of an address; the others are 0. */
export function maskIp(address: IpAddress, bits: number): IpAddress {
  return address.map((byte, index) => byte & ((0xff00 >> Math.min(8, Math.max(0, bits - 8 * index))) & 0xff));
}
