import {
  readGatewayTotals,
  toComparedRows,
  type ComparedRow,
} from '../../db/usage/gateway-totals.ts';
import type { Database } from '../../db/pool.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import { inOneSnapshot } from '../../db/transactions.ts';
import { showFigures, type ControlTotalsPolicy } from '../../domain/gateway-totals.ts';
import { ok, warning, type Check } from './doctor-check.ts';
import { counted } from '../../domain/format.ts';

export const CONTROL_TOTALS = 'control totals';
/** Maximum number of days that are named; the rest is counted. */
const SHOWN_DAYS = 3;

/** Compares last month's control totals with the ledger. Wrong totals and missing ones are told apart. */
export async function checkControlTotals(
  db: Database,
  now: Date,
  policy: ControlTotalsPolicy,
): Promise<readonly Check[]> {
  if (policy === 'off') return [ok(CONTROL_TOTALS, 'not compared: CONTROL_TOTALS is off')];
  const calendar = await loadCalendar(db);
  const month = calendar.monthBefore(now);
  const totals = await inOneSnapshot(db, (tx) => readGatewayTotals(tx, calendar, month));
  if (totals === null) return [ok(CONTROL_TOTALS, `the gateway stated none for ${month}`)];
  const advice = `npm run cli -- control-totals compare ${month}`;
  const rows = toComparedRows(totals.deployments);
  const different = rows.filter(({ state }) => state === 'different');
  const missing = rows.filter(({ state }) => state === 'missing' || state === 'unstated');
  const compared = `${month}: ${counted(totals.equal, 'deployment')} equal`;
  return [
    different.length === 0
      ? ok(CONTROL_TOTALS, compared)
      : warning(CONTROL_TOTALS, `${month} differs from the ledger: ${listOf(different)}`, advice),
    ...(missing.length === 0
      ? []
      : [warning(CONTROL_TOTALS, `${month} lacks totals: ${listOf(missing)}`, advice)]),
  ];
}

function listOf(rows: readonly ComparedRow[]): string {
  const shown = rows.slice(0, SHOWN_DAYS).map((row) => {
    const { deployment_id, tenant_id, day, stated, ledger, currency } = row;
    const when = day ?? 'the whole month';
    const both = `${stated === null ? '' : `stated ${showFigures(stated, currency)}, `}ledger ${showFigures(ledger, currency)}`;
    return `${deployment_id} (${tenant_id}) ${when}, ${both}`;
  });
  const more = rows.length - shown.length;
  return `${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}
