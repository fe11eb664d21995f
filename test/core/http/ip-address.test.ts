import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatIp, holds, isV4, maskIp, parseIp, parseRange } from '../../../core/http/ip-address.ts';

const canonical = (text: string): string | undefined => {
  const address = parseIp(text);
  return address && formatIp(address);
};

describe('an IP address', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:201', '192.0.2.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0db8:0001:1:1:1:1:1', '2001:db8:1:1:1:1:1:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ])('%s is written %s (RFC 5952)', (text, expected) => {
    expect(canonical(text)).toBe(expected);
  });

  test.each([
    '',
    '192.0.2',
    '192.0.2.256',
    '192.0.2.01',
    '192.0.2.1.1',
    '0x7f.0.0.1',
    '2130706433',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '1:2:3:4:5:6:7:8::',
    '12345::',
    ':1::',
    '1:::2',
    '::1%eth0',
    '[::1]',
    '::192.0.2.1:1',
    '192.0.2.1:80',
    'g::',
    ' ::1',
  ])('%j is not one', (text) => {
    expect(parseIp(text)).toBeUndefined();
  });

  const anyAddress = fc.array(fc.oneof(fc.constant(0), fc.constant(255), fc.nat(255)), {
    minLength: 16,
    maxLength: 16,
  });

  test('has one text, whichever form it is written in', () => {
    fc.assert(
      fc.property(anyAddress, (bytes) => {
        const full = Array.from({ length: 8 }, (_, i) =>
          (((bytes[2 * i] ?? 0) << 8) + (bytes[2 * i + 1] ?? 0)).toString(16).padStart(4, '0').toUpperCase(),
        ).join(':');
        const text = formatIp(bytes);
        expect(canonical(full)).toBe(text);
        expect(canonical(text)).toBe(text);
        expect(text.includes(':')).toBe(!isV4(bytes));
      }),
    );
  });

  test('is in a range exactly if its first bits are those of the range', () => {
    const bitsOf = (bytes: readonly number[]): string =>
      bytes.map((byte) => byte.toString(2).padStart(8, '0')).join('');
    fc.assert(
      fc.property(anyAddress, anyAddress, fc.nat(128), (base, other, bits) => {
        const same = bitsOf(base).slice(0, bits) === bitsOf(other).slice(0, bits);
        expect(holds({ base, bits }, other)).toBe(same);
        expect(holds({ base, bits }, maskIp(base, bits))).toBe(true);
        expect(bitsOf(maskIp(other, bits))).toBe(bitsOf(other).slice(0, bits).padEnd(128, '0'));
      }),
    );
  });

  test('of IPv4 is in an IPv4 range in its IPv4-mapped form, too', () => {
    const range = parseRange('10.0.0.0/8');
    const inRange = (text: string): boolean => holds(range ?? { base: [], bits: 0 }, parseIp(text) ?? []);
    expect(['10.255.0.1', '::ffff:10.1.2.3', '11.0.0.1', '::10.1.2.3'].map(inRange)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

test.each(['10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0.0/-1', '10.0.0.0/8/8', '10/8', 'loopback', '10.0.0.0/1e1'])(
  '%j is not a range of addresses',
  (text) => {
    expect(parseRange(text)).toBeUndefined();
  },
);
