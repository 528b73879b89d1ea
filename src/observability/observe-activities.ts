import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { Logger } from '../lib/logger.ts';
import { activityFacts, tenantOutcomes, type ActivityFacts } from './activity-facts.ts';

export interface ActivityObserver {
  readonly logger: Logger;
  /** Called with the number of tenants per outcome. */
  readonly onOutcomes: (outcome: string, tenants: number) => void;
}

/** Logged at `info`, because the month's own steps are few. Steps of tenants are many and logged at `debug`. */
const LOGGED_AS_INFO = new Set([
  'acceptRequest',
  'beginPass',
  'finishPass',
  'requestScheduledMonth',
]);

/**
 * Logs a line for each activity, with its month, its tenants, its workflow run, and the ids of the requests as the API
 * and the CLI log them. The SDK logs the reasons of failures.
 */
export function observeActivities(observer: ActivityObserver): ActivityInterceptorsFactory {
  return ({ info }) => ({
    inbound: {
      async execute(input, next) {
        const startedAt = performance.now();
        const { activityType, attempt, workflowExecution } = info;
        const log = (level: 'debug' | 'info' | 'warn', facts: ActivityFacts, message: string) => {
          observer.logger[level](
            {
              activity: activityType,
              attempt,
              workflow_id: workflowExecution?.workflowId,
              run_id: workflowExecution?.runId,
              ...facts,
              duration_ms: Math.trunc(performance.now() - startedAt),
            },
            message,
          );
        };
        try {
          const result = await next(input);
          const outcomes = tenantOutcomes(activityType, result);
          for (const [outcome, tenants] of outcomes) observer.onOutcomes(outcome, tenants);
          log(
            LOGGED_AS_INFO.has(activityType) ? 'info' : 'debug',
            activityFacts(input.args[0], result),
            'activity done',
          );
          return result;
        } catch (error) {
          log('warn', activityFacts(input.args[0], null), 'activity failed');
          throw error;
        }
      },
    },
  });
}
