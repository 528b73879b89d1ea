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
 * Who tries what: without a key everything; with a key in every way what takes it, and by the
 * examples whatever must refuse it, for a refusal comes before anything else is looked at.
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
