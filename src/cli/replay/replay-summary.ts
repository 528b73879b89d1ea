import { Decimal, sumDecimals, toDecimalString } from '../../domain/decimal.ts';
import {
  RESULT_STATUSES,
  type PostResult,
  type ResultStatus,
} from '../../client/gateway/usage-client.ts';

/** The result of posting LLM events. */
export interface PostSummary {
  readonly counts: Readonly<Record<ResultStatus, number>>;
  /** Sums of the events that are in the ledger, whether sent now or earlier. */
  readonly deployments: readonly DeploymentSum[];
  /** Exact cents. */
  readonly totalCents: string;
  /** The first few events that are not in the ledger. */
  readonly refused: readonly {
    readonly id: string;
    readonly status: string;
    readonly reason: string;
  }[];
}

interface DeploymentSum {
  readonly tenant_id: string;
  readonly deployment_id: string;
  readonly requests: number;
  /** Exact cents. */
  readonly charge_cents: string;
}

interface ChargedEvent {
  readonly gateway_request_id: string;
  readonly tenant_id: string;
  readonly deployment_id: string;
  readonly charge_cents: string;
}

const SHOWN_REFUSALS = 5;

export function summarize(
  events: readonly ChargedEvent[],
  results: readonly PostResult[],
): PostSummary {
  const answered = events.flatMap((event, index) => {
    const result = results[index];
    return result ? [{ event, result }] : [];
  });
  const isStored = ({ result }: (typeof answered)[number]) =>
    result.status === 'accepted' || result.status === 'duplicate';
  const stored = answered.filter(isStored).map(({ event }) => event);
  const byDeployment = Map.groupBy(stored, ({ deployment_id }) => deployment_id);
  return {
    counts: Object.fromEntries(
      RESULT_STATUSES.map((status) => [
        status,
        results.filter((result) => result.status === status).length,
      ]),
    ) as Record<ResultStatus, number>,
    deployments: [...byDeployment]
      .map(([deployment_id, ofDeployment]) => ({
        tenant_id: ofDeployment[0]?.tenant_id ?? '',
        deployment_id,
        requests: ofDeployment.length,
        charge_cents: sumCharges(ofDeployment),
      }))
      .sort((a, b) => (a.deployment_id < b.deployment_id ? -1 : 1)),
    totalCents: sumCharges(stored),
    refused: answered
      .filter((one) => !isStored(one))
      .slice(0, SHOWN_REFUSALS)
      .map(({ event, result }) => ({
        id: event.gateway_request_id,
        status: result.status,
        reason: result.reason ?? '',
      })),
  };
}

/** The exact sum of the charges, in cents. */
export function sumCharges(events: readonly { readonly charge_cents: string }[]): string {
  return toDecimalString(sumDecimals(events.map(({ charge_cents }) => new Decimal(charge_cents))));
}
