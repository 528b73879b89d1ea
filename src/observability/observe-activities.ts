import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { Logger } from '../lib/logger.ts';
import { activityFacts, tenantOutcomes, type ActivityFacts } from './activity-facts.ts';

export interface ActivityObserver {
  readonly logger: Logger;
  /** Told what tenants have come to. */
  readonly onOutcomes: (outcome: string, tenants: number) => void;
}

/** The month's own steps are few, and tell the run; those of tenants are many. */
const TOLD = new Set(['acceptRequest', 'beginPass', 'finishPass', 'requestScheduledMonth']);

/**
 * A line for each activity: which, of which month, for whom, in which workflow's run; with the ids
 * of the requests that the API and the CLI have told. Why one failed, the SDK logs.
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
            TOLD.has(activityType) ? 'info' : 'debug',
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
