import { toDetails } from '../contracts/details.ts';
import { adviceFor } from '../contracts/failure-advice.ts';
import { FAILURE } from '../contracts/failures.ts';
import { monthEndId } from '../contracts/ids.ts';
import type { TenantResult } from '../contracts/month-end.ts';

type Parked = Extract<TenantResult, { outcome: 'parked' }>;

/** Tenants that are shown; a child has up to 100. */
const SHOWN_PARKED = 10;

/** What became of a child's tenants, in the Markdown of the Web UI's "current details". */
export function renderTenantDetails(month: string, results: readonly TenantResult[]): string {
  const [first] = results;
  const parked = results.filter((result) => result.outcome === 'parked');
  const isAlone = results.length === 1;
  return toDetails([
    isAlone && first
      ? alone(month, first)
      : `**${results.length} invoices for ${month}**: ${parked.length} parked`,
    ...parked.slice(0, SHOWN_PARKED).map(isAlone ? whyParked : whyThisOneIsParked),
    ...(parked.length > SHOWN_PARKED ? [`… and ${parked.length - SHOWN_PARKED} more.`] : []),
    ...(parked.length > 0 ? [howToTryAgain(month, parked)] : []),
  ]);
}

function alone(month: string, result: TenantResult): string {
  const invoice = result.outcome === 'parked' ? '' : `, invoice id \`${result.invoiceId}\``;
  return `**Invoice of ${result.tenantId} for ${month}**: ${result.outcome}${invoice}`;
}

function whyThisOneIsParked(parked: Parked): string {
  return `**${parked.tenantId}**: ${whyParked(parked)}`;
}

function whyParked({ failure: { type, reason } }: Parked): string {
  return `\`${type}\`: ${reason}\n\n**What to do**: ${adviceFor(type)}`;
}

function howToTryAgain(month: string, parked: readonly Parked[]): string {
  const run = `Then send the signal \`run\` to \`${monthEndId(month)}\`.`;
  return parked.some(({ failure }) => failure.type === FAILURE.outOfBounds)
    ? `${run} A total is accepted by the signal \`forceReRun\` with \`"acceptBounds": true\`.`
    : run;
}
