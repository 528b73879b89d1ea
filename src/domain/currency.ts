/**
 * The currencies of ISO 4217 with a minor unit, by its number of decimals: list one of the
 * maintenance agency (SIX), published 2026-01-01. Fund codes such as CLF are included; codes
 * without a minor unit (metals, XDR, XTS, XXX) are not, because no amount in minor units exists for
 * them.
 *
 * The table is our own because stored amounts count minor units: a table that changes with ICU or a
 * package would move the decimal point of stored amounts. (ICU has other decimals for 16 of these
 * currencies, for example none for IDR and IQD, and keeps withdrawn codes.)
 * The domain `currency_code` in `migrations/000002_building_blocks.sql` has the same codes.
 */
const CODES: readonly (readonly [decimals: number, codes: string])[] = [
  [0, 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'],
  [
    2,
    'AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD ' +
      'CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL ' +
      'GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP ' +
      'LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK ' +
      'NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD ' +
      'SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD ' +
      'XCD XCG YER ZAR ZMW ZWG',
  ],
  [3, 'BHD IQD JOD KWD LYD OMR TND'],
  [4, 'CLF UYW'],
];

const DECIMALS: ReadonlyMap<string, number> = new Map(
  CODES.flatMap(([decimals, codes]) => codes.split(' ').map((code) => [code, decimals] as const)),
);

/** Every accepted currency code, sorted. */
export const CURRENCIES: readonly string[] = [...DECIMALS.keys()].sort();

/** Whether `code` is a currency that can be billed: in ISO 4217, with a minor unit. */
export function isCurrency(code: string): boolean {
  return DECIMALS.has(code);
}

/**
 * Returns the number of decimals of a currency's amounts: AUD 2, JPY 0, KWD 3.
 * @throws RangeError for a code that `isCurrency` rejects: a guess would be wrong by powers of ten
 */
export function minorUnitDecimals(currency: string): number {
  const decimals = DECIMALS.get(currency);
  if (decimals === undefined) throw new RangeError(`${currency} is not a currency of ISO 4217`);
  return decimals;
}
