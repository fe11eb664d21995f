import { expect, test } from '@jest/globals';
import { forwardedAddress } from '../../../core/http/forwarded-address.ts';

test.each([
  ['198.51.100.7', '198.51.100.7'],
  ['203.0.113.1, 198.51.100.7', '198.51.100.7'],
  ['203.0.113.1 ,  2001:db8::7 ', '2001:db8::7'],
])('RT-9: of %j only the last address, which the gateway writes, counts: %s', (header, address) => {
  expect(forwardedAddress(header)).toBe(address);
});

test.each([undefined, '', ' ', '198.51.100.7,'])('%j has no address', (header) => {
  expect(forwardedAddress(header)).toBeUndefined();
});
