import type { Logger } from '../lib/logger.ts';
import { FINDINGS, type Finding } from './watchdog-finding.ts';
import type { WatchdogReport } from './watchdog-report.ts';

export interface WatchdogOptions {
  readonly look: () => Promise<WatchdogReport>;
  /** From the end of a check to the start of the next. */
  readonly intervalSeconds: number;
  readonly logger: Logger;
}

/** Gives access to the latest report. */
export interface WatchdogView {
  /** Null until the first check is done. */
  latest(): WatchdogReport | null;
}

export interface Watchdog extends WatchdogView {
  /** Stops checking. Resolves when no check is running. */
  stop(): Promise<void>;
}

/**
 * Checks at intervals, one check after the other, as long as the process lives; its timer doesn't keep the
 * process alive. New and ended findings are logged.
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
      logger.error({ err: error }, 'the watchdog check failed');
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

/**
 * Returns the findings that are new since the last check, and those that ended. A change of detail alone
 * doesn't count.
 */
function changesOf(
  before: readonly Finding[],
  after: readonly Finding[],
): { readonly appeared: readonly Finding[]; readonly gone: readonly Finding[] } {
  return { appeared: without(after, before), gone: without(before, after) };
}

/**
 * Returns the findings, plus earlier ones that can't be checked now: an alert must not end because its source
 * is unreachable.
 */
function carryOver(before: readonly Finding[], found: readonly Finding[]): readonly Finding[] {
  const codes = new Set(found.map(({ code }) => code));
  const isHidden = ({ code }: Finding) => FINDINGS[code].hiddenBy.some((other) => codes.has(other));
  return [...found, ...before.filter(isHidden)];
}

function without(findings: readonly Finding[], others: readonly Finding[]): readonly Finding[] {
  const known = new Set(others.map(identity));
  return findings.filter((finding) => !known.has(identity(finding)));
}

function identity({ code, month }: Finding): string {
  return `${code} ${month}`;
}
