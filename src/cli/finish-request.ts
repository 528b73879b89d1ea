import type { Command } from 'commander';
import type { Month } from '../domain/period.ts';
import { withDatabase, withTemporal, type Environment } from './environment.ts';
import { EXIT_WRONG } from './errors.ts';
import { needsAttention, readStatus, statusToJson } from './month-status.ts';
import { print } from './output.ts';
import { renderStatus } from './render/month-end.ts';
import { watchMonth } from './watch-month.ts';

/** A request that the month's workflow has been sent. */
export interface SentRequest {
  readonly month: Month;
  readonly request_id: string;
  readonly workflow_id: string;
}

/**
 * Says that a request was sent and, where that is wanted, waits until it is served; then the exit code says
 * whether somebody has to look at the month.
 */
export async function finishRequest(
  command: Command,
  env: Environment,
  sent: SentRequest,
  { watch = false }: { readonly watch?: boolean | undefined },
): Promise<void> {
  const { month, request_id: requestId, workflow_id: workflowId } = sent;
  if (!watch) {
    print(command, sent, () =>
      [
        `Request ${requestId} is with workflow ${workflowId}.`,
        `See \`month-end status ${month} --watch\`.`,
      ].join('\n'),
    );
    return;
  }
  const status = await withDatabase(env, (db) =>
    withTemporal(env, async ({ client }) => {
      await watchMonth(db, client, month, requestId);
      return readStatus(db, client, month);
    }),
  );
  print(command, { ...sent, status: statusToJson(status) }, () => renderStatus(status));
  if (needsAttention(status, requestId)) process.exitCode = EXIT_WRONG;
}
