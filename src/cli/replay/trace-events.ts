import type { Period } from '../../domain/period.ts';
import type { TraceRequest } from './trace-file.ts';
import { Decimal, toDecimalString } from '../../domain/decimal.ts';

/** A deployment that requests of a trace are assigned to. */
export interface TraceDeployment {
  readonly tenantId: string;
  readonly deploymentId: string;
}

/** A priced request, as in the API. */
export interface LlmUsageEvent {
  readonly gateway_request_id: string;
  readonly tenant_id: string;
  readonly deployment_id: string;
  readonly model: string;
  readonly occurred_at: string;
  readonly charge_cents: string;
  readonly input_tokens: number;
  readonly output_tokens: number;
}

interface TraceMapping {
  readonly period: Period;
  /** Not empty; requests are assigned to them in turn. */
  readonly deployments: readonly TraceDeployment[];
  /** Identifies the trace in the ids of its events. */
  readonly traceId: string;
}

/** The header is line 1. */
const FIRST_LINE = 2;
/** Every fifth request goes to the expensive model. */
const LARGE_EVERY = 5;

/**
 * Converts a trace to usage events of a month: stretches its time over the month, assigns its requests to the deployments
 * in turn, and prices them. Deterministic: the same trace and mapping give the same events with the same ids.
 */
export function mapTrace(
  requests: readonly TraceRequest[],
  { period, deployments, traceId }: TraceMapping,
): LlmUsageEvent[] {
  const stretch = stretchOver(period, requests);
  return requests.map((request) => {
    const deployment = deployments[(request.line - FIRST_LINE) % deployments.length];
    if (!deployment) throw new RangeError('there is no deployment to assign the trace to');
    const price = PRICE_TABLE[request.line % LARGE_EVERY === 0 ? 1 : 0];
    return {
      gateway_request_id: `replay-${traceId}-${period.month}-${request.line}`,
      tenant_id: deployment.tenantId,
      deployment_id: deployment.deploymentId,
      model: price.model,
      occurred_at: toInstant(stretch(request.micros)),
      charge_cents: priceRequest(price, request.inputTokens, request.outputTokens),
      input_tokens: request.inputTokens,
      output_tokens: request.outputTokens,
    };
  });
}

/** Linear, in whole microseconds: the first request is at the month's first microsecond, the last at its last. */
function stretchOver(
  { startsAt, endsAt }: Period,
  requests: readonly TraceRequest[],
): (micros: bigint) => bigint {
  const start = BigInt(Date.parse(startsAt)) * 1000n;
  const span = BigInt(Date.parse(endsAt)) * 1000n - 1n - start;
  let first = requests[0]?.micros ?? 0n;
  let last = first;
  for (const { micros } of requests) {
    if (micros < first) first = micros;
    if (micros > last) last = micros;
  }
  const length = last === first ? 1n : last - first;
  return (micros) => start + ((micros - first) * span) / length;
}

function toInstant(micros: bigint): string {
  const seconds = new Date(Number(micros / 1000n))
    .toISOString()
    .slice(0, '2026-05-01T00:00:00'.length);
  return `${seconds}.${String(micros % 1_000_000n).padStart(6, '0')}Z`;
}

/** A gateway's prices for a model: cents per million tokens, exact decimals. */
interface ModelPrice {
  readonly model: string;
  readonly inputCents: string;
  readonly outputCents: string;
}

/**
 * Prices of fictional models. With four decimals, a charge has at most ten (the API accepts twelve) and is hardly ever a
 * whole number of cents, so that sums reveal any rounding.
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
