/** Differences between two JSON values. */

export interface Difference {
  /** `lines[3].amount_cents`; empty: the values themselves. */
  readonly path: string;
  /** Undefined: absent. */
  readonly expected: unknown;
  readonly got: unknown;
}

/** Returns every difference between two JSON values, in the order of `expected`. */
export function differencesOf(expected: unknown, got: unknown, path = ''): readonly Difference[] {
  if (Array.isArray(expected) && Array.isArray(got)) {
    const length = Math.max(expected.length, got.length);
    return Array.from({ length }, (_, index) =>
      differencesOf(expected[index], got[index], `${path}[${index}]`),
    ).flat();
  }
  if (isObject(expected) && isObject(got)) {
    return [...new Set([...Object.keys(expected), ...Object.keys(got)])].flatMap((key) =>
      differencesOf(own(expected, key), own(got, key), path === '' ? key : `${path}.${key}`),
    );
  }
  return Object.is(expected, got) ? [] : [{ path, expected, got }];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function own(object: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}
