import { amountHint, parseAmount, parseSignedAmount } from '../../domain/format.ts';
import { HttpProblem } from '../http/problems.ts';

/** An amount as people type it into a form, for a call of the API that has `amount_cents`. */
export interface TypedAmount {
  /** 0, which the API refuses, if the text is no amount. */
  readonly cents: number;
  /**
   * Makes the call. If the text is no amount, the error says how to write one.
   * @throws HttpProblem as the call does
   */
  hinting<T>(call: () => Promise<T>): Promise<T>;
}

/**
 * Parses an amount.
 * @param range `other than 0` also allows a minus
 * @throws RangeError unknown currency
 */
export function readAmount(
  text: string,
  currency: string,
  range: 'above 0' | 'other than 0',
): TypedAmount {
  const parse = range === 'above 0' ? parseAmount : parseSignedAmount;
  const cents = parse(text, currency) ?? 0;
  return {
    cents,
    async hinting(call) {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof HttpProblem) || cents !== 0) throw error;
        const detail = amountHint(text, currency, range);
        throw new HttpProblem(error.problem, error.message, {
          errors: error.errors.map((one) =>
            one.pointer === '/amount_cents' ? { ...one, detail } : one,
          ),
        });
      }
    },
  };
}
