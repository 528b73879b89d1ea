export interface FeedOptions {
  /** What to call the feed in errors: its file's name. */
  readonly name?: string;
  /** Compares and checks everything, and writes nothing. */
  readonly dryRun?: boolean;
}
