import { CALLERS, type Caller } from './world.ts';

/** The parts of the document that decide who may call what. */
export interface SecuredDocument {
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          {
            readonly operationId: string;
            readonly security: readonly Readonly<Record<string, readonly string[]>>[];
          }
        >
      >
    >
  >;
}

/** One run of schemathesis. */
export interface PlannedRun {
  readonly caller: Caller;
  /** With a key that they take, or without any; else a key that they must refuse. */
  readonly isAllowed: boolean;
  readonly operationIds: readonly string[];
  readonly phases: readonly string[];
}

const ALL_PHASES = ['examples', 'coverage', 'fuzzing', 'stateful'];

/**
 * The requests of each key. Without a key: all operations. With a key: all kinds of requests to operations that accept it,
 * and only the examples to operations that must refuse it, because keys are checked before anything else.
 */
export function planRuns(document: SecuredDocument): readonly PlannedRun[] {
  const operations = Object.values(document.paths).flatMap((item) => Object.values(item));
  const ids = (kept: typeof operations) => kept.map(({ operationId }) => operationId);
  const takes = (operation: (typeof operations)[number], caller: Caller) =>
    operation.security.some((needed) => Object.values(needed).flat().includes(caller));
  const guarded = operations.filter(({ security }) => security.length > 0);
  const runs = CALLERS.flatMap((caller): PlannedRun[] => {
    if (caller === 'none') {
      return [{ caller, isAllowed: true, operationIds: ids(operations), phases: ALL_PHASES }];
    }
    const own = guarded.filter((operation) => takes(operation, caller));
    const others = guarded.filter((operation) => !takes(operation, caller));
    return [
      { caller, isAllowed: true, operationIds: ids(own), phases: ALL_PHASES },
      { caller, isAllowed: false, operationIds: ids(others), phases: ['examples'] },
    ];
  });
  return runs.filter(({ operationIds }) => operationIds.length > 0);
}
