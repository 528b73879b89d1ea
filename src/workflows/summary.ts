/** The server refuses a summary of more than 400 bytes, and with it the step; a character has up to 3. */
const MAX_CHARACTERS = 130;

/** A line for the Web UI about a step, short enough whatever a tenant is called. */
export function summary(text: string): string {
  return text.length <= MAX_CHARACTERS ? text : `${text.slice(0, MAX_CHARACTERS - 1)}…`;
}
