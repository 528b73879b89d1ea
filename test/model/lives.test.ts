import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectSoundMonths } from './lives-checks.ts';
import { anyCommands, type LivesCommand } from './lives-commands.ts';
import { createLivesModel } from './lives-model.ts';
import { LivesWorlds } from './lives-world.ts';

const { MODEL_RUNS = '200', MODEL_SEED, MODEL_PATH, MODEL_TIME_ZONE = 'UTC' } = process.env;
const runs = Number(MODEL_RUNS);
/** A new one each time: what one run doesn't find, another may. */
const seed = MODEL_SEED === undefined ? Math.trunc(Math.random() * 2 ** 30) : Number(MODEL_SEED);
/** Two at a time, each with a time zone and a database of its own: one waits while the other works. */
const LANES = [
  ['UTC', seed],
  ['Australia/Sydney', seed + 1],
] as const;
const lanes = MODEL_PATH === undefined ? LANES : ([[MODEL_TIME_ZONE, seed]] as const);
const runsOfLane = Math.ceil(runs / lanes.length);
/** How long a failure may be shrunk: a candidate takes about as long as a sequence. */
const SHRINK_MS = 120_000;

describe.concurrent('months of random subscriptions cost what counting day by day says', () => {
  test.each(lanes)(
    `in %s, after each command of ${runsOfLane} sequences, seed %i`,
    async (timeZone, laneSeed) => {
      expect(runs).toBeGreaterThan(0);
      await using worlds = new LivesWorlds(timeZone);
      let failedAt = Infinity;
      const property = fc.asyncProperty(anyCommands, async (commands) => {
        // Time is up: what isn't tried counts as passed, and the shrinking comes to an end.
        if (Date.now() > failedAt + SHRINK_MS) return;
        const model = createLivesModel(await worlds.next());
        try {
          for (const command of commands) await command.run(model);
          await expectSoundMonths(model);
        } catch (error) {
          failedAt = Math.min(failedAt, Date.now());
          throw error;
        }
      });
      const details = await fc.check(property, {
        numRuns: runsOfLane,
        seed: laneSeed,
        ...(MODEL_PATH !== undefined && { path: MODEL_PATH }),
      });
      if (details.failed) {
        throw new Error(report(details, timeZone), { cause: details.errorInstance });
      }
    },
    60_000 + runs * 10_000,
  );
});

function report(details: fc.RunDetails<[readonly LivesCommand[]]>, timeZone: string): string {
  const { seed: from, numRuns, numShrinks, counterexamplePath, counterexample } = details;
  const error = details.errorInstance;
  return [
    `Sequence ${numRuns} of seed ${from} failed, and after ${numShrinks} shrinks still does:`,
    ...(counterexample?.[0] ?? []).map(({ text }, n) => `  ${n + 1}. ${text}`),
    `Again: npm run test:model -- --of lives --time-zone ${timeZone} --seed ${from} --path ${counterexamplePath}`,
    error instanceof Error ? error.message : String(error),
  ].join('\n');
}
