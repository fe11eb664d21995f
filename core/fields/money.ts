import * as z from 'zod';

/** Active currencies of ISO 4217, without the codes of funds, metals and tests. */
export const CURRENCIES = (
  'AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY ' +
  'COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ' +
  'ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK ' +
  'MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF ' +
  'SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU ' +
  'UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG'
).split(' ');

/** Largest amount of one price, in minor units. */
const MAX_AMOUNT = 999_999_999_999;

/** An amount in minor units (cents) of one currency. It is an integer, so that it is never rounded. */
export const Money = z
  .strictObject({
    amount: z.int().min(0).max(MAX_AMOUNT).describe("In the currency's minor units: 1999 is EUR 19.99."),
    currency: z
      .enum(CURRENCIES, { error: 'must be an active ISO 4217 currency in capital letters, such as EUR' })
      .describe('ISO 4217, three capital letters.'),
  })
  .meta({ id: 'Money' });
export type Money = z.output<typeof Money>;
