/** Of those of which there would be two, or which would be refused, if they were done again. */
const NOT_TO_BE_REPEATED: Readonly<Record<string, string>> = {
  'keys.create': 'Whether there is a key, `keys list` says; revoke it then, for its text is lost.',
  'keys.rotate':
    'Whether there is a successor, `keys list` says; rotate that one then, for its text is lost.',
  'keys.sign':
    'Whether there is a secret, `keys list` says; revoke it then (`keys unsign`), for its text is lost.',
};

/** Of those that go on in pieces, each of them whole. */
const IN_PIECES: Readonly<Record<string, string>> = {
  'usage.archive': 'What was moved is moved; run it again for the rest.',
  'usage.expire': 'Months that have expired are on record; run it again for the rest.',
};

/** Of those that ask for something which goes on without us. */
const REQUESTS = new Set(['month-end.start', 'month-end.force']);

/**
 * What somebody who interrupted a command that writes has to know: what may be done by now, and how to go
 * on.
 * @param action `invoices.void`
 * @param requestId of a request that is known by it
 */
export function afterInterruption(action: string, requestId: unknown): string {
  const special = NOT_TO_BE_REPEATED[action] ?? IN_PIECES[action];
  if (special !== undefined) return special;
  return REQUESTS.has(action)
    ? `If it was sent by then, the month's workflow serves it; with --request-id ${String(requestId)} ` +
        'it can be sent again and counts once.'
    : 'It is done as a whole or not at all (`audit list` knows, where it says `done`), and to repeat it is safe.';
}
