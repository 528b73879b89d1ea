import { existsSync, readFileSync } from 'node:fs';
import { Decimal } from 'decimal.js';

/** A row of LiteLLM's spend log: what LiteLLM itself says that a request costs. */
export interface SpendRow {
  readonly requestId: string;
  readonly callId: string;
  /** SHA-256 of the key. */
  readonly keyHash: string;
  readonly status: string;
  readonly cacheHit: boolean;
  /** Dollars, as LiteLLM wrote them. */
  readonly spend: string;
}

/**
 * Reads spend logs, one row per line. Independent of `src`, which is tested with them. As in LiteLLM's table, a request
 * id has one row.
 */
export function readSpendLogs(files: readonly string[]): readonly SpendRow[] {
  const rows = files
    .filter((file) => existsSync(file))
    .flatMap((file) => readFileSync(file, 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => {
      const row = JSON.parse(line) as Record<string, string>;
      const [, spend = ''] = /"spend": (-?[\d.]+(?:e[+-]?\d+)?)[,}]/.exec(line) ?? [];
      if (Number(spend) !== Number(row.spend)) throw new Error(`no spend in ${line.slice(0, 200)}`);
      return {
        requestId: row.request_id ?? '',
        callId: row.litellm_call_id ?? '',
        keyHash: row.api_key ?? '',
        status: row.status ?? '',
        cacheHit: row.cache_hit === 'True',
        spend,
      };
    });
  return [...new Map(rows.toReversed().map((row) => [row.requestId, row])).values()];
}

/** A sum over requests. */
export interface Spend {
  readonly requests: number;
  /** The sum of the charges, each rounded half even to 12 decimals of a cent. */
  readonly cents: string;
  /** The sum of LiteLLM's own figures, not rounded. */
  readonly unroundedCents: string;
}

const Exact = Decimal.clone({ precision: 100, toExpNeg: -9e15, toExpPos: 9e15 });

/** Sums what requests cost, by the deployment that pays. */
export function sumSpend(
  rows: readonly SpendRow[],
  deploymentOf: (row: SpendRow) => string,
): ReadonlyMap<string, Spend> {
  const billed = rows.filter(({ spend }) => Number(spend) > 0);
  return new Map(
    [...Map.groupBy(billed, deploymentOf)].map(([deployment, ofDeployment]) => {
      const cents = ofDeployment.map(({ spend }) => new Exact(spend).times(100));
      const rounded = cents.map((value) => value.toDecimalPlaces(12, Decimal.ROUND_HALF_EVEN));
      const sum = {
        requests: ofDeployment.length,
        cents: Exact.sum(...rounded).toFixed(),
        unroundedCents: Exact.sum(...cents).toFixed(),
      };
      return [deployment, sum] as const;
    }),
  );
}
