/** What can be wrong with the data that the domain is given. Stable: parked tenants and API problems carry it. */
export const DOMAIN_ERROR_CODES = [
  'amount_out_of_range',
  'invalid_amount',
  'invalid_date',
  'invalid_decimal',
  'invalid_instant',
  'invalid_json',
  'invalid_month',
  'invalid_quantity',
  'missing_plan_version',
  'mixed_currencies',
  'unknown_overage_unit',
] as const;
export type DomainErrorCode = (typeof DOMAIN_ERROR_CODES)[number];

/**
 * Bad data: trying again can't help, somebody has to correct it (docs/spec.md#month-end, a tenant is
 * parked). The message names the offending thing, so that an operator can act on it.
 */
export class DomainError extends Error {
  override readonly name = 'DomainError';
  readonly code: DomainErrorCode;

  constructor(code: DomainErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
