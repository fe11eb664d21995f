import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  clientBehindProxies,
  clientGroup,
  isProxyRange,
  socketAddress,
  trustedProxies,
} from '../../../core/http/client-address.ts';

/** The proxy that every request of these tests comes from. */
const PROXY = '10.0.0.1';
const trusted = trustedProxies(['10.0.0.0/8', 'fd00::/8', 'loopback']);

const from = (peer: string, ...headers: string[]): string => clientBehindProxies(peer, headers, trusted);
const viaForwardedFor = (value: string): string => from(PROXY, 'X-Forwarded-For', value);
const viaForwarded = (value: string): string => from(PROXY, 'Forwarded', value);

describe('RT-9: the address of a client', () => {
  test('is that of its connection if no proxy is trusted, or if the connection is not a trusted proxy', () => {
    const headers = ['X-Forwarded-For', '203.0.113.9', 'Forwarded', 'for=203.0.113.9'];
    expect(clientBehindProxies('127.0.0.1', headers, trustedProxies([]))).toBe('127.0.0.1');
    expect(from('198.51.100.7', ...headers)).toBe('198.51.100.7');
    expect(from('unknown', ...headers)).toBe('unknown');
  });

  test('is that of the trusted proxy if the proxy names none', () => {
    expect(from(PROXY, 'Accept', '*/*')).toBe(PROXY);
  });

  test.each([
    ['203.0.113.9', '203.0.113.9'],
    ['1.1.1.1, 203.0.113.9', '203.0.113.9'],
    ['1.1.1.1, 203.0.113.9, 10.0.0.2,fd00::2 , 127.0.0.1', '203.0.113.9'],
    ['203.0.113.9:51234', '203.0.113.9'],
    ['[2001:DB8::9]:51234', '2001:db8::9'],
    ['[2001:db8::9]', '2001:db8::9'],
    ['2001:db8::9', '2001:db8::9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['::ffff:10.0.0.2, ', '10.0.0.2'],
    ['203.0.113.9, ::ffff:10.0.0.2', '203.0.113.9'],
    [' ,, 203.0.113.9 ,, ', '203.0.113.9'],
    ['10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['', PROXY],
    ['unknown', PROXY],
    ['203.0.113.9, unknown', PROXY],
    ['203.0.113.9, bogus, 10.0.0.2', '10.0.0.2'],
    ['203.0.113.9;10.0.0.2', PROXY],
    ['203.0.113.9:', PROXY],
    ['203.0.113.9:999999', PROXY],
    ['[203.0.113.9]', PROXY],
    ['"203.0.113.9"', PROXY],
  ])('by X-Forwarded-For: %j is %s', (value, expected) => {
    expect(viaForwardedFor(value)).toBe(expected);
  });

  test.each([
    ['for=203.0.113.9', '203.0.113.9'],
    ['For="203.0.113.9:4711"', '203.0.113.9'],
    ['for="[2001:db8::9]:4711"', '2001:db8::9'],
    ['for="[2001:db8::9]:_port"', '2001:db8::9'],
    ['proto=https;FOR=203.0.113.9;by=_gw;host="a, b;c=\\"d\\""', '203.0.113.9'],
    ['for=1.1.1.1, for=203.0.113.9 ; proto=http , for=10.0.0.2', '203.0.113.9'],
    [', for=203.0.113.9,,', '203.0.113.9'],
    [';for=203.0.113.9;', '203.0.113.9'],
    ['for=1.1.1.1, for=_hidden', PROXY],
    ['for=1.1.1.1, for=unknown', PROXY],
    ['for=1.1.1.1, for="_hidden", for=10.0.0.2', '10.0.0.2'],
    ['for=1.1.1.1, proto=https', PROXY],
    ['for=1.1.1.1;for=2.2.2.2', PROXY],
    ['for="1.1.1.1, for=203.0.113.9', PROXY],
    ['for=1.1.1.1;by=", for="203.0.113.9"', PROXY],
    ['for=1.1.1.1 2.2.2.2', PROXY],
    ['for', PROXY],
    ['=1.1.1.1', PROXY],
    ['for="1.1.1.1"x', PROXY],
    ['for=', PROXY],
  ])('by Forwarded: %j is %s', (value, expected) => {
    expect(viaForwarded(value)).toBe(expected);
  });

  test('by several lines of a header, as if they were one', () => {
    expect(from(PROXY, 'X-Forwarded-For', '1.1.1.1', 'x-forwarded-for', '203.0.113.9, 10.0.0.2')).toBe('203.0.113.9');
    expect(from(PROXY, 'forwarded', 'for=1.1.1.1', 'A', 'b', 'Forwarded', 'for=203.0.113.9')).toBe('203.0.113.9');
  });

  test('cannot be chosen with the header that the proxy does not write', () => {
    const both = (forwarded: string, forwardedFor: string): string =>
      from(PROXY, 'Forwarded', forwarded, 'X-Forwarded-For', forwardedFor);
    expect(both('for=203.0.113.9', '203.0.113.9')).toBe('203.0.113.9');
    expect(both('for=203.0.113.9', '203.0.113.9, 10.0.0.2')).toBe('203.0.113.9');
    expect(both('for=1.1.1.1', '203.0.113.9')).toBe(PROXY);
    expect(both('for=203.0.113.9', '1.1.1.1')).toBe(PROXY);
    expect(both('garbage', '203.0.113.9')).toBe(PROXY);
  });

  test('is never one that the client wrote, whatever it sends before what the proxies add', () => {
    const forged = fc.oneof(
      fc.string(),
      fc.stringMatching(/^[for=,;:"\\[\]_.0-9a-f ]*$/),
      fc.constantFrom('for="', '1.1.1.1', 'for=1.1.1.1;by="', 'for=1.1.1.1,', '"', '\\', 'for="1.1.1.1\\'),
    );
    fc.assert(
      fc.property(forged, fc.boolean(), fc.constantFrom(', ', ','), (text, quoted, comma) => {
        const client = quoted ? '"203.0.113.9"' : '203.0.113.9';
        expect(['203.0.113.9', PROXY]).toContain(viaForwarded(`${text}${comma}for=${client}`));
        expect(viaForwardedFor(`${text}${comma}203.0.113.9`)).toBe('203.0.113.9');
        expect(['203.0.113.9', PROXY]).toContain(
          from(PROXY, 'Forwarded', text, 'X-Forwarded-For', `${text}${comma}203.0.113.9`),
        );
      }),
      { numRuns: 2_000 },
    );
  });
});

test.each([
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['fe80::1%eth0', 'fe80::1'],
  [undefined, 'unknown'],
  ['', 'unknown'],
])('a connection from %j has the address %s', (remote, expected) => {
  expect(socketAddress(remote)).toBe(expected);
});

test.each([
  ['203.0.113.9', '203.0.113.9'],
  ['::ffff:203.0.113.9', '203.0.113.9'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2:ffff::', '2001:db8:1:2::/64'],
  ['2001:db8:1:3::', '2001:db8:1:3::/64'],
  ['unknown', 'unknown'],
])('limits count %s as %s', (address, expected) => {
  expect(clientGroup(address)).toBe(expected);
});

describe('a list of trusted proxies', () => {
  test.each(['10.0.0.1', '10.0.0.0/8', '2001:db8::/32', '::1', 'loopback', '::ffff:10.0.0.0/104'])(
    'may hold %s',
    (text) => {
      expect(isProxyRange(text)).toBe(true);
    },
  );

  test.each(['0.0.0.0/0', '::/0', '10.0.0.0/00', '10.0.0.0/33', 'localhost', '*', '', 'Loopback', '10.0.0.*'])(
    'may not hold %j',
    (text) => {
      expect(isProxyRange(text)).toBe(false);
    },
  );

  test('holds this machine by the word loopback', () => {
    const loopback = trustedProxies(['loopback']);
    const client = (peer: string): string => clientBehindProxies(peer, ['x-forwarded-for', '203.0.113.9'], loopback);
    expect(['127.0.0.1', '127.9.9.9', '::1', '128.0.0.1', '10.0.0.1'].map(client)).toEqual([
      ...Array(3).fill('203.0.113.9'),
      '128.0.0.1',
      '10.0.0.1',
    ]);
  });
});
