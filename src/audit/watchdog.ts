import type { Logger } from '../lib/logger.ts';
import { carryOver, changesOf } from './watchdog-changes.ts';
import { FINDINGS } from './watchdog-finding.ts';
import type { WatchdogReport } from './watchdog-report.ts';

export interface WatchdogOptions {
  readonly look: () => Promise<WatchdogReport>;
  /** From the end of a look to the next. */
  readonly intervalSeconds: number;
  readonly logger: Logger;
}

/** Where the latest report can be read. */
export interface WatchdogView {
  /** Null until the first look is done. */
  latest(): WatchdogReport | null;
}

export interface Watchdog extends WatchdogView {
  /** Resolves when no look is under way any more, and none will be. */
  stop(): Promise<void>;
}

/**
 * Looks around now and then, one look after the other, for as long as the process lives; it keeps
 * no process alive. The log tells what is new, and what is over.
 */
export function startWatchdog({ look, intervalSeconds, logger }: WatchdogOptions): Watchdog {
  let latest: WatchdogReport | null = null;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let looking = lookOnce();

  async function lookOnce(): Promise<void> {
    try {
      const before = latest?.findings ?? [];
      const report = await look();
      const findings = carryOver(before, report.findings);
      logChanges(logger, changesOf(before, findings), report.errors);
      latest = { ...report, findings };
    } catch (error) {
      logger.error({ err: error }, 'the watchdog could not look around');
    }
    if (isStopped) return;
    timer = setTimeout(() => {
      looking = lookOnce();
    }, intervalSeconds * 1000).unref();
  }

  return {
    latest: () => latest,
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await looking;
    },
  };
}

function logChanges(
  logger: Logger,
  { appeared, gone }: ReturnType<typeof changesOf>,
  errors: readonly unknown[],
): void {
  for (const { code, month, detail } of appeared) {
    logger[FINDINGS[code].level]({ finding: code, month }, `watchdog: ${detail}`);
  }
  for (const { code, month } of gone) {
    logger.info({ finding: code, month }, `watchdog: ${code} is over`);
  }
  if (appeared.length === 0) return;
  for (const error of errors) {
    const reason = error instanceof Error ? error.message : String(error);
    logger.warn({ reason }, 'watchdog: something could not be read');
  }
}
