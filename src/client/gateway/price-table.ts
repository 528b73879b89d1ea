import { Decimal, toDecimalString } from '../../domain/decimal.ts';

/** What a gateway charges for a model: cents per million tokens, exact decimals. */
export interface ModelPrice {
  readonly model: string;
  readonly inputCents: string;
  readonly outputCents: string;
}

/**
 * Prices of made-up models. With four decimals a request's charge has at most ten (the API takes
 * twelve), and hardly one is a whole number of cents: sums show at once where something rounds.
 */
export const PRICE_TABLE = [
  { model: 'arcadia-small', inputCents: '14.9985', outputCents: '60.0125' },
  { model: 'arcadia-large', inputCents: '249.9375', outputCents: '1000.0625' },
] as const satisfies readonly ModelPrice[];

const TOKENS_PER_PRICE = 1_000_000;

/** The exact charge of a request, in cents. */
export function priceRequest(price: ModelPrice, inputTokens: number, outputTokens: number): string {
  const input = new Decimal(price.inputCents).times(inputTokens);
  const output = new Decimal(price.outputCents).times(outputTokens);
  return toDecimalString(input.plus(output).dividedBy(TOKENS_PER_PRICE));
}
