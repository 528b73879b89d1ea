import { adviceFor, FAILURE } from '../contracts/failures.ts';
import { monthEndId } from '../contracts/ids.ts';
import { code, richText, toDetails, type Markdown } from '../contracts/markdown.ts';
import { outcomeName, type TenantResult } from '../contracts/month-end-types.ts';
import type { StepCounts } from './invoice-run.ts';

type Parked = Extract<TenantResult, { outcome: 'parked' }>;

/** Maximum number of tenants shown; a child has up to 100. */
const SHOWN_PARKED = 10;

/** Renders the results of a child's tenants as Markdown for the Web UI's "current details". */
export function renderTenantDetails(
  month: string,
  results: readonly TenantResult[],
  counts: StepCounts,
): string {
  const [first] = results;
  const parked = results.filter((result) => result.outcome === 'parked');
  const isAlone = results.length === 1;
  return toDetails([
    isAlone && first
      ? alone(month, first)
      : richText`**${results.length} invoices for ${month}**: ${parked.length} parked`,
    ...stepLines(counts, isAlone),
    ...parked.slice(0, SHOWN_PARKED).map(isAlone ? whyParked : whyThisOneIsParked),
    ...(parked.length > SHOWN_PARKED
      ? [richText`… and ${parked.length - SHOWN_PARKED} more.`]
      : []),
    ...(parked.length > 0 ? [howToTryAgain(month, parked)] : []),
  ]);
}

function alone(month: string, result: TenantResult): Markdown {
  const invoice = 'invoiceId' in result ? documentOf(result) : '';
  return richText`**Invoice of ${result.tenantId} for ${month}**: ${outcomeName(result.outcome)}${invoice}`;
}

function documentOf(result: Extract<TenantResult, { invoiceId: string }>): Markdown {
  return result.outcome === 'adjusted'
    ? richText`, adjustment note id ${code(result.noteId)}, of invoice id ${code(result.invoiceId)}`
    : richText`, invoice id ${code(result.invoiceId)}`;
}

/** What the steps did; empty if the existing invoice was kept. */
function stepLines(
  { subscriptions, quotedLines, llmRequests, issuedLines, total }: StepCounts,
  isAlone: boolean,
): readonly Markdown[] {
  if (subscriptions === 0 && llmRequests === 0n) return [];
  const quoted = `${counted(subscriptions, 'subscription')} quoted (${counted(quotedLines, 'line')})`;
  const pulled = counted(llmRequests, 'LLM request');
  if (issuedLines === 0) return [richText`${quoted}, ${pulled}; nothing was issued.`];
  const issued = counted(issuedLines, 'line');
  return [richText`${[quoted, pulled, issued, ...(isAlone && total ? [total] : [])].join(', ')}`];
}

function counted(count: number | bigint, what: string): string {
  return `${count} ${what}${count == 1 ? '' : 's'}`;
}

function whyThisOneIsParked(parked: Parked): Markdown {
  return richText`**${parked.tenantId}**: ${whyParked(parked)}`;
}

function whyParked({ failure: { type, reason } }: Parked): Markdown {
  return richText`${code(type)}: ${reason}\n\n**What to do**: ${adviceFor(type)}`;
}

function howToTryAgain(month: string, parked: readonly Parked[]): Markdown {
  const run = richText`Then send the signal \`run\` to ${code(monthEndId(month))}.`;
  return parked.some(({ failure }) => failure.type === FAILURE.outOfBounds)
    ? richText`${run} A total is accepted by the signal \`forceReRun\` with \`"acceptBounds": true\`.`
    : run;
}
