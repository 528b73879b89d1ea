import type { ActivityInterceptorsFactory } from '@temporalio/worker';

/** Well within the heartbeat timeout (`src/workflows/activity-proxies.ts`); most are over before that. */
const HEARTBEAT_EVERY_MS = 1_000;

/** Says of every activity that takes a while that it is still at work; local ones need not. */
export const heartbeatWhileRunning: ActivityInterceptorsFactory = (context) => ({
  inbound: {
    async execute(input, next) {
      if (context.info.isLocal) return next(input);
      const timer = setInterval(() => context.heartbeat(), HEARTBEAT_EVERY_MS);
      try {
        return await next(input);
      } finally {
        clearInterval(timer);
      }
    },
  },
});
