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
  readonly bounds: StreamBounds;
  /** Room for corrections that wait for their record, shared by all streams. */
  readonly earlyRoom: EarlyRoom;
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
 * Takes a stream of events, one a line, and answers each line in order when it is committed. Only a
 * correction that comes before its record is answered later: after that record, or at the end. The last
 * line is a summary, or the problem that broke the stream off.
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
      // Lines without events to commit would keep everybody else waiting.
      await takeTurn();
      const sent = group.filter((line) => !isBlank(line));
      const text = write(await settle(await takeLines(sent, options), early, options));
      if (text !== '') yield text;
      lines = group.at(-1)?.number ?? lines;
      bounds.answered(Buffer.byteLength(text));
    }
    // Another sender may have sent the records.
    const text = write(await settle(await takeAgain(early.takeAll(), options), early, options));
    yield text + write(early.takeAll()) + toLine({ summary: { ...counts, lines } });
  } catch (error) {
    const problem = problemBody(options.toProblem(error), options.requestId);
    yield write(early.takeAll()) + toLine({ problem: { ...problem, after_line: lines } });
  } finally {
    // The client may have gone: the room is for others.
    early.takeAll();
  }
}

function* chunked<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += MAX_GROUP_LINES) {
    yield items.slice(start, start + MAX_GROUP_LINES);
  }
}

/** A line, and what became of it. */
interface Taken {
  readonly line: number;
  /** Undefined where it can't be read. */
  readonly event: unknown;
  readonly result: UsageResult;
}

/**
 * Holds back the corrections that came too early, and takes again those whose record has come.
 * @returns what can be answered: what isn't held back, and what no longer is
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
