import type { Month } from '../domain/period.ts';

/** What can be done about usage that no ordinary run bills. */
export const REMEDIES = [
  're_run',
  'run_month',
  'give_subscription',
  'change_plan',
  'none',
] as const;

/** An action, in a sentence, and the command that then bills the usage; null if there is no such command. */
export interface Remedy {
  readonly action: (typeof REMEDIES)[number];
  readonly what_to_do: string;
  readonly command: string | null;
}

/** The facts that determine the remedy. */
export interface StuckUsage {
  readonly month: Month;
  readonly tenantId: string;
  readonly reason:
    | 'needs_re_run'
    | 'tenant_not_due'
    | 'no_subscription'
    | 'in_draft'
    | 'not_yet_invoiced'
    | 'unpriced_kind'
    | 'voided'
    | 'next_invoice';
  readonly deploymentIds: readonly string[];
  readonly kinds: readonly string[];
  /** Whether the month's live invoice is settled. */
  readonly isSettled: boolean;
  /** The draft whose building was interrupted, or the void invoice, if the usage is in one. */
  readonly draft: { readonly month: Month; readonly isRevision: boolean } | null;
  /** Whether the safety bounds would park a rerun. */
  readonly isBeyondBounds: boolean;
}

const EXCLUDE = 'or exclude the events, with a reason (`usage exclude`)';

/**
 * Returns the action that bills usage which no ordinary run of its month bills. The command works as printed,
 * once the instructions in `what_to_do` are done.
 */
export function remedyFor(usage: StuckUsage): Remedy {
  const { month, tenantId, reason, draft } = usage;
  const reRun = (of: Month) => force(of, tenantId, usage.isBeyondBounds);
  const deployments = `deployment ${usage.deploymentIds.join(', ')}`;
  switch (reason) {
    case 'needs_re_run': {
      const what_to_do = usage.isBeyondBounds
        ? 'Look at the new total, which is beyond the safety bounds. If it is right, rerun the invoice.'
        : usage.isSettled
          ? 'Rerun the invoice: it is settled, so the difference goes onto an adjustment note.'
          : 'Rerun the invoice: its next revision has the right amount.';
      return { action: 're_run', what_to_do, command: reRun(month) };
    }
    case 'tenant_not_due': {
      const what_to_do =
        `None of the tenant's subscriptions touches ${month}. Give ${deployments} one that does, and run ` +
        `the month, which also bills the plan's own charges; ${EXCLUDE}.`;
      return { action: 'give_subscription', what_to_do, command: start(month) };
    }
    case 'not_yet_invoiced': {
      const what_to_do = 'Run the month again: the tenant is due and has no invoice.';
      return { action: 'run_month', what_to_do, command: start(month) };
    }
    case 'in_draft': {
      const of = draft?.month ?? month;
      const what_to_do = `A run of ${of} was interrupted while it built an invoice with this usage. Run the command below.`;
      return draft?.isRevision
        ? { action: 're_run', what_to_do, command: reRun(of) }
        : { action: 'run_month', what_to_do, command: start(of) };
    }
    case 'next_invoice': {
      const what_to_do =
        "Nothing: the tenant's next invoice bills it, in a line that names the month.";
      return { action: 'none', what_to_do, command: null };
    }
    case 'voided': {
      const what_to_do = `Its invoice is void. Rerun it: the next revision bills the usage; ${EXCLUDE}.`;
      return { action: 're_run', what_to_do, command: reRun(draft?.month ?? month) };
    }
    case 'no_subscription': {
      const what_to_do = `Give ${deployments} a subscription in ${month}, and rerun the invoice; ${EXCLUDE}.`;
      return { action: 'give_subscription', what_to_do, command: reRun(month) };
    }
    case 'unpriced_kind': {
      const what_to_do =
        `The plan of ${deployments} does not have ${usage.kinds.join(', ')}. End the subscription and start ` +
        `one on a plan version that prices it, the deployment's last in ${month}, and rerun the invoice; ${EXCLUDE}.`;
      return { action: 'change_plan', what_to_do, command: reRun(month) };
    }
  }
}

function force(month: Month, tenantId: string, acceptBounds: boolean): string {
  const bounds = acceptBounds ? ' --accept-bounds' : '';
  return `npm run cli -- month-end force ${month} --tenant ${tenantId}${bounds} --reason 'late usage'`;
}

function start(month: Month): string {
  return `npm run cli -- month-end start ${month}`;
}
