import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files and folders whose tests take longest. */
const LONGEST = ['test/bench/smoke', 'test/faults/', 'test/cli/', 'test/model/'];

/**
 * Starts the longest files first, so that none of them runs alone at the end. On a fresh clone Vitest knows no
 * durations and goes by the size of the files.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const place = LONGEST.findIndex((path) => moduleId.includes(path));
      return place < 0 || moduleId.endsWith('.unit.test.ts') ? LONGEST.length : place;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}
