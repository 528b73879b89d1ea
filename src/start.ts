import { ConfigError, readConfig } from './config.ts';
import { UnreachableError } from './lib/connect-within.ts';
import { StopTimeoutError, startEngine, type EnginePart } from './engine.ts';
import { createLogger } from './lib/logger.ts';
import { listenForShutdown, untilAborted } from './lib/shutdown.ts';
import { printErrorLine } from './lib/terminal.ts';
import { TlsSettingsError } from './lib/tls-files.ts';
import { readTemporalTarget } from './temporal/connection.ts';

/**
 * `npm start`: the API and the worker against DATABASE_URL and TEMPORAL_ADDRESS; `npm start -- api`
 * or `-- worker` starts one of them, to run several of each.
 */
const PARTS = ['api', 'worker'] as const satisfies readonly EnginePart[];

function readParts(args: readonly string[]): readonly EnginePart[] {
  if (args.length === 0) return PARTS;
  const part = PARTS.find((known) => known === args[0]);
  if (part && args.length === 1) return [part];
  throw new ConfigError(`usage: npm start [-- ${PARTS.join(' | ')}]`);
}

async function main(): Promise<void> {
  const parts = readParts(process.argv.slice(2));
  const config = readConfig(process.env);
  const logger = createLogger({
    level: config.logLevel,
    name: parts.join('+'),
    ...(config.tracing && { mixin: (await import('./observability/tracing/in-span.ts')).traceIds }),
  });
  const shutdown = listenForShutdown();
  try {
    const engine = await startEngine({
      config,
      temporal: readTemporalTarget(process.env),
      logger,
      parts,
      signal: shutdown,
    });
    try {
      await Promise.race([untilAborted(shutdown), engine.failure]);
    } finally {
      logger.info('stopping');
      await engine.stop();
    }
    logger.info('stopped');
  } catch (error) {
    const isStopTimeout = error instanceof StopTimeoutError;
    if (shutdown.aborted && !isStopTimeout) return;
    // The cause is outside the program; a stack would only hide it.
    const isOutside =
      isStopTimeout || error instanceof UnreachableError || error instanceof TlsSettingsError;
    logger.fatal(isOutside ? {} : { err: error }, describe(error));
    process.exitCode = 1;
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const hint = error instanceof UnreachableError ? error.hint : null;
  return hint === null ? error.message : `${error.message}: ${hint}`;
}

try {
  await main();
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  printErrorLine(error.message);
  process.exitCode = 1;
}
// A worker that was stopped by force leaves handles that would keep the process alive.
process.exit();
