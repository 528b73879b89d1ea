import type { Command } from 'commander';
import { MAX_FORCED_TENANTS } from '../contracts/request-payload.ts';
import { showRequest } from '../db/month-end/request-views.ts';
import type { Month } from '../domain/period.ts';
import { withDatabase, withTemporal, type Environment } from './environment.ts';
import { EXIT_WRONG } from './cli-error.ts';
import { needsAttention, needsAttentionFor, readStatus, statusToJson } from './month-status.ts';
import { print } from './output.ts';
import { renderStatus } from './render/month-status-text.ts';
import { renderNamedTenants } from './render/outcomes-text.ts';
import { watchMonth } from './watch-month.ts';

interface FinishOptions {
  readonly watch?: boolean | undefined;
  /** Tenants that the request names; none if it is for all due tenants. */
  readonly tenant?: readonly string[] | undefined;
}

/** A request that was sent to the month's workflow. */
export interface SentRequest {
  readonly month: Month;
  readonly request_id: string;
  readonly workflow_id: string;
}

/**
 * Prints that a request was sent or, with `watch`, waits until it is done and prints the result. The exit code then
 * tells whether the month, or the tenants named by the request, need attention.
 */
export async function finishRequest(
  command: Command,
  env: Environment,
  sent: SentRequest,
  { watch = false, tenant = [] }: FinishOptions,
): Promise<void> {
  const { month, request_id: requestId } = sent;
  if (!watch) {
    print(command, sent, ({ month, request_id: requestId, workflow_id: workflowId }) =>
      [
        `Request ${requestId} was sent to workflow ${workflowId}.`,
        `To follow it, run \`month-end status ${month} --watch\`.`,
      ].join('\n'),
    );
    return;
  }
  const { status, named } = await withDatabase(env, (db, config) =>
    withTemporal(env, async ({ client }) => {
      await watchMonth(db, client, month, requestId);
      const request =
        tenant.length > 0 ? await showRequest(db, month, requestId, MAX_FORCED_TENANTS) : null;
      return { named: request?.tenants ?? [], status: await readStatus(db, client, month, config) };
    }),
  );
  const isNamed = named.length > 0;
  print(
    command,
    { named, status },
    ({ named, status }) =>
      [...(isNamed ? [renderNamedTenants(named), ''] : []), renderStatus(status)].join('\n'),
    ({ named, status }) => ({
      ...sent,
      ...(isNamed && { tenants: named }),
      status: statusToJson(status),
    }),
  );
  const isWrong = isNamed ? needsAttentionFor(named, status) : needsAttention(status, requestId);
  if (isWrong) process.exitCode = EXIT_WRONG;
}
