export function lockfileProblems(packages: {
  readonly manifest: object;
  readonly lockfile: object;
}): readonly string[];
