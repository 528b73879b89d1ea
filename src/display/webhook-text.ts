/** How people read deliveries of webhook events. */

/** The state of a delivery; `dead` is `given up`. */
export function deliveryStateText(state: 'pending' | 'delivered' | 'dead'): string {
  return state === 'dead' ? 'given up' : state;
}

/** The result of an attempt: `answered 200`, or why it failed. */
export function answerText({
  status,
  error,
}: {
  readonly status: number | null;
  readonly error: string | null;
}): string {
  return error ?? `answered ${status}`;
}
