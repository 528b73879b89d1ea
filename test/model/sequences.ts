import fc from 'fast-check';
import type { LedgerCommand } from './command.ts';
import { anyCommand } from './commands.ts';
import { expectProvable } from './compare.ts';
import { createModel } from './model.ts';
import { RealWorlds } from './real.ts';

export interface SequenceOptions {
  readonly runs: number;
  readonly seed: number;
  /** Of a failure that is to be seen again: what its report says. */
  readonly path?: string | undefined;
  readonly replayPath?: string | undefined;
}

const MAX_COMMANDS = 30;
/** How long a failure may be shrunk: a candidate takes about as long as a sequence. */
const SHRINK_MS = 120_000;
/** The proofs take as long as the sequence itself: not each one needs them. */
const proofs = fc.constantFrom(false, false, true);

/**
 * Random sequences of commands, on the model and on the product.
 * @throws Error with the seed, the path and the shortest failing sequence that was found
 */
export async function runSequences({ runs, seed, path, replayPath }: SequenceOptions) {
  await using worlds = new RealWorlds();
  let failedAt = Infinity;
  const commands = fc.commands([...anyCommand], {
    maxCommands: MAX_COMMANDS,
    size: 'max',
    ...(replayPath !== undefined && { replayPath }),
  });
  const property = fc.asyncProperty(commands, proofs, async (sequence, isProved) => {
    // Time is up: what isn't tried counts as passed, and the shrinking comes to an end.
    if (Date.now() > failedAt + SHRINK_MS) return;
    const { real, fleet } = await worlds.next();
    const model = createModel(fleet);
    try {
      await fc.asyncModelRun(() => ({ model, real }), sequence);
      if (isProved) await expectProvable(model, real);
    } catch (error) {
      failedAt = Math.min(failedAt, Date.now());
      throw error;
    }
  });
  const details = await fc.check(property, {
    numRuns: runs,
    seed,
    ...(path !== undefined && { path }),
  });
  if (details.failed) throw new Error(report(details), { cause: details.errorInstance });
  await worlds.close({ isSound: true });
}

type Details = fc.RunDetails<[Iterable<LedgerCommand>, boolean]>;

function report(details: Details): string {
  const { seed, numRuns, numShrinks, counterexamplePath, counterexample, errorInstance } = details;
  const [sequence, isProved] = counterexample ?? [[], false];
  const commands = [...sequence]
    .filter(hasRun)
    .map((command, n) => `  ${n + 1}. ${String(command)}`);
  const replayPath = /replayPath="([^"]*)"/.exec(fc.stringify(sequence))?.[1] ?? '';
  return [
    `Sequence ${numRuns} of seed ${seed} failed, and after ${numShrinks} shrinks still does:`,
    ...commands,
    ...(isProved ? [`  ${commands.length + 1}. verify the months`] : []),
    `Again: npm run test:model -- --of ledger --seed ${seed} --path ${counterexamplePath} --replay-path ${replayPath}`,
    errorInstance instanceof Error ? errorInstance.message : String(errorInstance),
  ].join('\n');
}

/** Commands whose check fails are part of a sequence, and no part of what happened. */
function hasRun(command: LedgerCommand): boolean {
  return !('hasRan' in command) || command.hasRan === true;
}
