import { z } from 'zod';
import { fillGaps, rejected, type UsageResult } from '../../ingestion/results.ts';
import { toLine } from '../ndjson.ts';
import { isBlank, parseLine } from '../parse-line.ts';
import { problemBody, problemSchema, type HttpProblem } from '../problems.ts';
import { readLines, type Line } from '../read-lines.ts';
import { addCounts, countResults, countsSchema, readId, resultFields } from './usage-results.ts';

/** Lines whose results are committed, and answered, together. */
const MAX_GROUP_LINES = 500;

export interface UsageStreamOptions {
  /** What an event is known by. */
  readonly idField: string;
  /** @returns a result per event, in order, committed */
  readonly ingest: (events: readonly unknown[]) => Promise<readonly UsageResult[]>;
  /** Told of lines that never became an event. */
  readonly onUnreadable: (lines: number) => void;
  /** What to say of whatever broke the stream. */
  readonly toProblem: (error: unknown) => HttpProblem;
  readonly requestId: string;
}

/** A line of the answer. */
export function streamAnswerSchema(idField: string) {
  return z.union([
    z.object({ line: z.int().describe('From 1; blank ones count.'), ...resultFields(idField) }),
    z
      .object({ summary: countsSchema.extend({ lines: z.int() }) })
      .describe('The last line: everything was read and answered.'),
    z
      .object({ problem: problemSchema.extend({ after_line: z.int() }) })
      .describe('The last line instead: what comes after `after_line` is to be sent again.'),
  ]);
}

/**
 * Takes a stream of events, one a line, and answers each line in order when it is committed. The
 * last line is a summary, or the problem that broke the stream off.
 */
export async function* answerUsageStream(
  chunks: AsyncIterable<Buffer>,
  options: UsageStreamOptions,
): AsyncGenerator<string> {
  let lines = 0;
  let counts = countResults([]);
  try {
    for await (const group of groupsOf(readLines(chunks))) {
      const sent = group.filter((line) => !isBlank(line));
      const answers = await ingestLines(sent, options);
      if (answers.length > 0) yield answers.map(toLine).join('');
      counts = addCounts(counts, countResults(answers));
      lines = group.at(-1)?.number ?? lines;
    }
  } catch (error) {
    const problem = problemBody(options.toProblem(error), options.requestId);
    yield toLine({ problem: { ...problem, after_line: lines } });
    return;
  }
  yield toLine({ summary: { ...counts, lines } });
}

async function* groupsOf(lists: AsyncIterable<readonly Line[]>): AsyncGenerator<readonly Line[]> {
  for await (const lines of lists) {
    for (let start = 0; start < lines.length; start += MAX_GROUP_LINES) {
      yield lines.slice(start, start + MAX_GROUP_LINES);
    }
  }
}

async function ingestLines(
  lines: readonly Line[],
  { idField, ingest, onUnreadable }: UsageStreamOptions,
) {
  const parsed = lines.map(parseLine);
  const events = parsed.flatMap((line) => (line.ok ? [line.value] : []));
  const ingested = events.length === 0 ? [] : await ingest(events);
  const refusals = parsed.map((line) => (line.ok ? null : rejected(line.reason)));
  if (events.length < lines.length) onUnreadable(lines.length - events.length);
  return fillGaps(refusals, ingested).map((result, index) => {
    const outcome = parsed[index];
    const id = outcome?.ok ? readId(outcome.value, idField) : null;
    return { line: lines[index]?.number, [idField]: id, ...result };
  });
}
