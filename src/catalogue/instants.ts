/**
 * Whether an instant comes before another one, both in UTC as PostgreSQL keeps them: to the
 * microsecond, which Date can't tell apart. A fraction sorts after its whole second once the Z is
 * gone.
 */
export function isBefore(instant: string, other: string): boolean {
  return instant.replace('Z', '') < other.replace('Z', '');
}
