/** What to read of a list that is ordered by a key which never changes. */
export interface Page<Key> {
  /** The key of the last entry of the page before; null for the first page. */
  readonly after: Key | null;
  readonly limit: number;
}
