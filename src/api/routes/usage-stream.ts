import { z } from 'zod';
import {
  createEarlyCorrections,
  type EarlyCorrections,
  type EarlyRoom,
} from '../../ingestion/early-corrections.ts';
import { fillGaps, rejected, type UsageResult } from '../../ingestion/results.ts';
import { toLine, isBlank, parseLine, readLines, type Line } from '../http/ndjson.ts';
import { problemBody, problemSchema, type HttpProblem } from '../http/problems.ts';
import type { StreamBounds } from '../http/stream-bounds.ts';
import { takeTurn } from '../http/read-body.ts';
import { addCounts, countResults, countsSchema, readId, resultFields } from './usage-results.ts';

/** Lines that are committed and answered together. */
const MAX_GROUP_LINES = 500;

export interface UsageStreamOptions {
  /** The name of the event's id. */
  readonly idField: string;
  /** Commits events and returns a result for each, in order. */
  readonly ingest: (events: readonly unknown[]) => Promise<readonly UsageResult[]>;
  /** Counts lines that can't be parsed. */
  readonly onUnreadable: (lines: number) => void;
  /** Converts the error that ended the stream. */
  readonly toProblem: (error: unknown) => HttpProblem;
  readonly requestId: string;
  readonly bounds: StreamBounds;
  /** Room for corrections that wait for their record; all streams share it. */
  readonly earlyRoom: EarlyRoom;
}

/** Returns the schema of a response line. */
export function streamAnswerSchema(idField: string) {
  return z.union([
    z.object({
      line: z.int().describe('Counted from 1, including blank lines.'),
      ...resultFields(idField),
    }),
    z
      .object({ summary: countsSchema.extend({ lines: z.int() }) })
      .describe('The last line, if the whole stream was read and answered.'),
    z
      .object({ problem: problemSchema.extend({ after_line: z.int() }) })
      .describe('The last line otherwise: send the lines after `after_line` again.'),
  ]);
}

/**
 * Ingests a stream with one event per line, and yields each line's result, in order, once it is committed. Only
 * a correction that arrives before its record gets its result later: after that record, or at the end. The last
 * line is a summary, or the problem that ended the stream.
 */
export async function* answerUsageStream(
  chunks: AsyncIterable<Buffer>,
  options: UsageStreamOptions,
): AsyncGenerator<string> {
  const { bounds } = options;
  const early = createEarlyCorrections<Taken>(options.earlyRoom);
  let lines = 0;
  let counts = countResults([]);
  const write = (taken: readonly Taken[]): string => {
    counts = addCounts(counts, countResults(taken.map(({ result }) => result)));
    return taken.map((each) => toLine(toAnswer(each, options.idField))).join('');
  };
  try {
    for await (const group of readLines(chunks, MAX_GROUP_LINES)) {
      bounds.split(group.length);
      // Lines without events never wait for a commit, so they would block other requests.
      await takeTurn();
      const sent = group.filter((line) => !isBlank(line));
      const text = write(await settle(await takeLines(sent, options), early, options));
      if (text !== '') yield text;
      lines = group.at(-1)?.number ?? lines;
      bounds.answered(Buffer.byteLength(text));
    }
    // Another sender may have sent the missing records since.
    const text = write(await settle(await takeAgain(early.takeAll(), options), early, options));
    yield text + write(early.takeAll()) + toLine({ summary: { ...counts, lines } });
  } catch (error) {
    const problem = problemBody(options.toProblem(error), options.requestId);
    yield write(early.takeAll()) + toLine({ problem: { ...problem, after_line: lines } });
  } finally {
    // If the client is gone, release its room for other streams.
    early.takeAll();
  }
}

function* chunked<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += MAX_GROUP_LINES) {
    yield items.slice(start, start + MAX_GROUP_LINES);
  }
}

/** A line and its result. */
interface Taken {
  readonly line: number;
  /** Undefined if the line can't be parsed. */
  readonly event: unknown;
  readonly result: UsageResult;
}

/**
 * Holds corrections that arrived before their record, and ingests those again whose record has arrived.
 * @returns the lines that are not held, in the order of their results
 */
async function settle(
  taken: readonly Taken[],
  early: EarlyCorrections<Taken>,
  options: UsageStreamOptions,
): Promise<readonly Taken[]> {
  const settled: Taken[] = [];
  for (let next = taken; next.length > 0;) {
    const stored: string[] = [];
    for (const each of next) {
      const { status } = each.result;
      const recordId = status === 'retry_later' ? readId(each.event, 'replaces') : null;
      if (recordId !== null && early.hold(recordId, each)) continue;
      settled.push(each);
      const id = status === 'rejected' ? null : readId(each.event, options.idField);
      if (id !== null) stored.push(id);
    }
    next = await takeAgain(early.takeFor(stored), options);
  }
  return settled;
}

async function takeAgain(
  corrections: readonly Taken[],
  { ingest }: UsageStreamOptions,
): Promise<readonly Taken[]> {
  const again: Taken[] = [];
  for (const chunk of chunked(corrections)) {
    const results = await ingest(chunk.map(({ event }) => event));
    chunk.forEach((each, index) => again.push({ ...each, result: results[index] ?? each.result }));
  }
  return again;
}

async function takeLines(
  lines: readonly Line[],
  { ingest, onUnreadable }: UsageStreamOptions,
): Promise<readonly Taken[]> {
  const parsed = lines.map(parseLine);
  const events = parsed.flatMap((line) => (line.ok ? [line.value] : []));
  const ingested = events.length === 0 ? [] : await ingest(events);
  const refusals = parsed.map((line) => (line.ok ? null : rejected(line.reason)));
  if (events.length < lines.length) onUnreadable(lines.length - events.length);
  return fillGaps(refusals, ingested).map((result, index) => {
    const outcome = parsed[index];
    const event = outcome?.ok ? outcome.value : undefined;
    return { line: lines[index]?.number ?? 0, event, result };
  });
}

function toAnswer({ line, event, result }: Taken, idField: string) {
  return { line, [idField]: readId(event, idField), ...result };
}
