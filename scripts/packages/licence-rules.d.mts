export function licenceProblems(lockfile: object): readonly string[];
