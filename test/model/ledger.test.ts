import { describe, expect, test } from 'vitest';
import { runSequences } from './sequences.ts';

const { MODEL_RUNS = '200', MODEL_SEED, MODEL_PATH, MODEL_REPLAY_PATH } = process.env;
const runs = Number(MODEL_RUNS);
/** A new one each time: what one run doesn't find, another may. */
const seed = MODEL_SEED === undefined ? Math.trunc(Math.random() * 2 ** 30) : Number(MODEL_SEED);
const replay = { path: MODEL_PATH, replayPath: MODEL_REPLAY_PATH };
/** Two at a time, each with a seed and a database of its own: one waits while the other works. */
const lanes = MODEL_PATH === undefined ? [seed, seed + 1] : [seed];
const runsOfLane = Math.ceil(runs / lanes.length);
/** For as many sequences as one likes, on however busy a machine. */
const timeout = 60_000 + runs * 10_000;

describe.concurrent('the ledger is what the model says', () => {
  test.each(lanes)(
    `after each command of ${runsOfLane} random sequences, seed %i`,
    async (laneSeed) => {
      expect(runs).toBeGreaterThan(0);
      await runSequences({ runs: runsOfLane, seed: laneSeed, ...replay });
    },
    timeout,
  );
});
