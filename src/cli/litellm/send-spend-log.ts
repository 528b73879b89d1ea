import type { LitellmCounts } from '../../client/gateway/litellm-client.ts';
import { readKeyMetadata, type KeyFiles } from './key-metadata.ts';
import { readSpendLog } from './spend-log-file.ts';

export interface SendSpendLogOptions extends KeyFiles {
  /** Posts events, a JSON text each, and returns what became of them. */
  readonly post: (events: readonly string[]) => Promise<LitellmCounts>;
  readonly onProgress: (bytesRead: number) => void;
}

/** What became of the requests in a file of LiteLLM's spend log. */
export interface SentSpendLog {
  readonly counts: LitellmCounts;
  readonly unreadable: number;
  /** The first few rows that no event could be made of. */
  readonly examples: readonly { readonly request: number; readonly reason: string }[];
}

const BATCH_EVENTS = 500;
const SHOWN_ROWS = 20;

/**
 * Sends a file of LiteLLM's spend log as its callback would have. Requests that are in the ledger are duplicates.
 * @throws CliError
 * @throws PostError; what was posted before stays
 */
export async function sendSpendLog(
  path: string,
  { post, onProgress, ...files }: SendSpendLogOptions,
): Promise<SentSpendLog> {
  const findMetadata = await readKeyMetadata(files);
  let counts: LitellmCounts = {
    ...{ accepted: 0, duplicates: 0, conflicts: 0, unpriced: 0, quarantined: 0 },
    counted: { failures: 0, cache_hits: 0 },
  };
  const examples: { request: number; reason: string }[] = [];
  let unreadable = 0;
  let batch: string[] = [];
  const flush = async (): Promise<void> => {
    if (batch.length > 0) counts = add(counts, await post(batch));
    batch = [];
  };
  for await (const { number, event, reason } of readSpendLog(path, { findMetadata, onProgress })) {
    if (event === null) {
      unreadable += 1;
      if (examples.length < SHOWN_ROWS) examples.push({ request: number, reason });
      continue;
    }
    batch.push(event);
    if (batch.length === BATCH_EVENTS) await flush();
  }
  await flush();
  return { counts, unreadable, examples };
}

function add(a: LitellmCounts, b: LitellmCounts): LitellmCounts {
  const { counted, ...rest } = b;
  return {
    accepted: a.accepted + rest.accepted,
    duplicates: a.duplicates + rest.duplicates,
    conflicts: a.conflicts + rest.conflicts,
    unpriced: a.unpriced + rest.unpriced,
    quarantined: a.quarantined + rest.quarantined,
    counted: Object.fromEntries(
      Object.entries(counted).map(([why, count]) => [why, (a.counted[why] ?? 0) + count]),
    ) as LitellmCounts['counted'],
  };
}

/** Whether everything in the file is in the ledger, or costs nothing. */
export function isAllBilled({ counts, unreadable }: SentSpendLog): boolean {
  return counts.conflicts + counts.unpriced + counts.quarantined + unreadable === 0;
}

export function renderSentSpendLog({ counts, unreadable, examples }: SentSpendLog): string {
  const { accepted, duplicates, conflicts, counted, unpriced, quarantined } = counts;
  const free = Object.entries(counted).map(
    ([why, count]) => `${why.replaceAll('_', ' ')} ${count}`,
  );
  const more = unreadable - examples.length;
  return [
    `accepted ${accepted}, duplicates ${duplicates}, quarantined ${quarantined}, conflicts ${conflicts}`,
    `without cost: ${free.join(', ')}, unpriced models ${unpriced}`,
    ...(quarantined + conflicts > 0 ? ['See `quarantine list` for the reasons.'] : []),
    ...(unreadable > 0 ? [`not sent ${unreadable}:`] : []),
    ...examples.map(({ request, reason }) => `  request ${request}: ${reason}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ].join('\n');
}
