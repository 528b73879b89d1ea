/** @returns the text as one word of a POSIX shell, in single quotes */
export function posixQuote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
