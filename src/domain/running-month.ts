import type { BillingCalendar } from './billing-calendar.ts';
import { sumCents } from './cents.ts';
import { composeInvoice, type ComposedInvoice, type InvoiceInputs } from './compose-invoice.ts';
import { DomainError } from './errors.ts';
import type { Period } from './period.ts';
import { elapsedShare, progressOfMonth, progressOfService } from './projection.ts';
import { billedDeployment, type BilledDeployment, type DeploymentToBill } from './service-days.ts';
import type { QuoteLine } from './types.ts';
import { kindsSoFar, type KindSoFar } from './usage-by-kind.ts';
import {
  llmSoFar,
  projectLlmUsage,
  projectMeteredUsage,
  type LlmSoFar,
  type ProgressOf,
} from './usage-so-far.ts';

/**
 * A tenant's running month (docs/spec.md#the-running-month): what its deployments have used, the invoice as it would be
 * if the month ended now, and what it would be if usage continues at this rate.
 */

/** What a running month is computed from. */
export interface RunningInputs extends Omit<InvoiceInputs, 'deployments' | 'isEstimate'> {
  readonly calendar: BillingCalendar;
  /** Those with a subscription that touches the month. */
  readonly deployments: readonly DeploymentToBill[];
  /** An instant of the month. */
  readonly now: Date;
}

/** A deployment's usage in the running month. */
export interface RunningDeployment {
  readonly deploymentId: string;
  /** The kinds of its last plan, in the order of its items; then other kinds that were used. */
  readonly kinds: readonly KindSoFar[];
  readonly llm: LlmSoFar & {
    /** Decimal strings. */
    readonly projectedRequests: string;
    readonly projectedExactCents: string;
  };
}

export interface MonthSoFar {
  readonly period: Period;
  /** RFC 3339. */
  readonly asOf: string;
  /** The share of the month that has passed, a decimal string. */
  readonly elapsed: string;
  /** By id. */
  readonly deployments: readonly RunningDeployment[];
  /** LLM usage of all deployments in the month, without what is late for earlier months. */
  readonly llm: LlmSoFar;
  /** The invoice if the month ended now; null if there is a problem. */
  readonly invoice: ComposedInvoice | null;
  /** The invoice at the end of the month, by linear projection; null if there is a problem or it is out of range. */
  readonly projection: ComposedInvoice | null;
  /** Why there is no invoice: what would park the tenant. */
  readonly problem: Pick<DomainError, 'code' | 'message'> | null;
}

/** Computes a running month by the functions of the month end. Safety bounds don't apply. */
export function monthSoFar(inputs: RunningInputs): MonthSoFar {
  const { period, now, meteredUsage, llmUsage } = inputs;
  const billed = new Map(
    inputs.deployments.map((deployment) => [
      deployment.deploymentId,
      attempt(() => billedDeployment(deployment, inputs)),
    ]),
  );
  const progressOf = serviceProgress(inputs);
  const projected = {
    meteredUsage: projectMeteredUsage(meteredUsage, progressOf),
    llmUsage: projectLlmUsage(llmUsage, period.month, progressOf),
  };
  const compose = (usage: InvoiceUsage) =>
    attempt(() =>
      composeInvoice({
        ...inputs,
        ...usage,
        deployments: [...billed.values()].map(orThrow),
        isEstimate: true,
      }),
    );
  const invoice = compose(inputs);
  const projection = isProblem(invoice) ? null : compose(projected);
  return {
    period,
    asOf: now.toISOString(),
    elapsed: elapsedShare(progressOfMonth(period, now)),
    deployments: runningDeployments(inputs, projected, billed),
    llm: llmSoFar(llmUsage.filter(({ serviceMonth }) => serviceMonth === period.month)),
    invoice: isProblem(invoice) ? null : invoice,
    projection: isProblem(projection) ? null : projection,
    problem: isProblem(invoice) ? invoice : null,
  };
}

/** Returns the sum of an invoice's plan base and addon lines. */
export function recurringCentsOf({
  lines,
}: {
  readonly lines: readonly Pick<QuoteLine, 'kind' | 'amountCents'>[];
}): number {
  return sumCents(
    lines
      .filter(({ kind }) => kind === 'plan_base' || kind === 'addon')
      .map(({ amountCents }) => amountCents),
  );
}

function serviceProgress({ deployments, period, now }: RunningInputs): ProgressOf {
  const served = new Map(
    deployments.map(({ deploymentId, subscriptions }) => [
      deploymentId,
      progressOfService(subscriptions, period, now),
    ]),
  );
  const unserved = progressOfMonth(period, now);
  return (deploymentId) => served.get(deploymentId) ?? unserved;
}

type Billed = BilledDeployment | DomainError;
type InvoiceUsage = Pick<InvoiceInputs, 'meteredUsage' | 'llmUsage'>;

function runningDeployments(
  inputs: RunningInputs,
  projected: InvoiceUsage,
  billed: ReadonlyMap<string, Billed>,
): readonly RunningDeployment[] {
  const { month } = inputs.period;
  const ofMonth = (usage: InvoiceInputs['llmUsage']) =>
    new Map(
      usage
        .filter(({ serviceMonth }) => serviceMonth === month)
        .map((own) => [own.deploymentId, own]),
    );
  const [llm, later] = [ofMonth(inputs.llmUsage), ofMonth(projected.llmUsage)];
  const ids = new Set([...billed.keys(), ...inputs.meteredUsage.keys(), ...llm.keys()]);
  return [...ids].sort().map((deploymentId) => {
    const own = llm.get(deploymentId);
    return {
      deploymentId,
      kinds: kindsOf(deploymentId, billed.get(deploymentId) ?? null, inputs, projected),
      llm: {
        ...llmSoFar(own === undefined ? [] : [own]),
        projectedRequests: String(later.get(deploymentId)?.requestCount ?? 0),
        projectedExactCents: later.get(deploymentId)?.exactCents ?? '0',
      },
    };
  });
}

/** Usage is shown even if it can't be compared with a plan. */
function kindsOf(
  deploymentId: string,
  billed: Billed | null,
  inputs: RunningInputs,
  projected: InvoiceUsage,
): readonly KindSoFar[] {
  const usage = {
    used: inputs.meteredUsage.get(deploymentId) ?? {},
    projected: projected.meteredUsage.get(deploymentId) ?? {},
  };
  const kinds = (composition: BilledDeployment | null) => kindsSoFar(composition, usage, inputs);
  const compared = attempt(() => kinds(orThrow(billed)));
  return isProblem(compared) ? kinds(null) : compared;
}

/** Returns a DomainError, which would park the tenant, instead of throwing it. */
function attempt<T>(work: () => T): T | DomainError {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return error;
  }
}

function orThrow<T>(value: T | DomainError): T {
  if (isProblem(value)) throw value;
  return value;
}

function isProblem(value: unknown): value is DomainError {
  return value instanceof DomainError;
}
