import { expect, test } from '@jest/globals';
import { CURRENCIES, Money } from '../../../core/fields/money.ts';

test('the currencies are the 155 active ones: distinct codes of three capital letters, in order', () => {
  expect(CURRENCIES).toHaveLength(155);
  expect(CURRENCIES).toEqual([...new Set(CURRENCIES)].toSorted());
  expect(CURRENCIES.filter((code) => !/^[A-Z]{3}$/.test(code))).toEqual([]);
});

test.each(['AED', 'EUR', 'CHF', 'ISK', 'JPY', 'MRU', 'USD', 'ZWG'])('a price may be in %s', (currency) => {
  expect(Money.parse({ amount: 1, currency })).toEqual({ amount: 1, currency });
});

test.each([
  ['a currency in lower case', { amount: 1, currency: 'eur' }],
  ['the code of a metal', { amount: 1, currency: 'XAU' }],
  ['a currency that is no longer in use', { amount: 1, currency: 'DEM' }],
  ['a part of a minor unit', { amount: 0.5, currency: 'EUR' }],
  ['a negative amount', { amount: -1, currency: 'EUR' }],
  ['an amount above the limit', { amount: 1_000_000_000_000, currency: 'EUR' }],
  ['a further key', { amount: 1, currency: 'EUR', rate: 2 }],
])('a price may not be %s', (_what, price) => {
  expect(Money.safeParse(price).success).toBe(false);
});

test('a price may be zero, and as high as the limit', () => {
  for (const amount of [0, 999_999_999_999]) expect(Money.parse({ amount, currency: 'EUR' }).amount).toBe(amount);
});
