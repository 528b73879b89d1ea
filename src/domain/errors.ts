/** Codes of bad data. They are stable: parked tenants and API problems contain them. */
export const DOMAIN_ERROR_CODES = [
  'amount_out_of_range',
  'invalid_amount',
  'invalid_date',
  'invalid_decimal',
  'invalid_instant',
  'invalid_json',
  'invalid_month',
  'invalid_quantity',
  'missing_exchange_rate',
  'missing_plan_version',
  'mixed_currencies',
  'unknown_overage_unit',
] as const;
export type DomainErrorCode = (typeof DOMAIN_ERROR_CODES)[number];

/**
 * Bad data: retrying can't help, and the data must be corrected (docs/spec.md#month-end: the tenant
 * is parked). The message names the faulty item, so that an operator can act on it.
 */
export class DomainError extends Error {
  override readonly name = 'DomainError';
  readonly code: DomainErrorCode;

  constructor(code: DomainErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
