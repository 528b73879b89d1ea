/**
 * What was asked for by options that hold everywhere, as it has to be known where the arguments make
 * no sense, too.
 */
function asksFor(option: string, argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).includes(option);
}

/** Whether a program reads what we say. */
export function wantsJson(argv: readonly string[] = process.argv): boolean {
  return asksFor('--json', argv);
}

/** Whether somebody wants to know where an error comes from. */
export function wantsStack(
  argv: readonly string[] = process.argv,
  env: Readonly<Record<string, string | undefined>> = process.env,
): boolean {
  return (
    asksFor('--verbose', argv) ||
    Boolean(env.DEBUG) ||
    env.LOG_LEVEL === 'debug' ||
    env.LOG_LEVEL === 'trace'
  );
}
