import { createReadStream } from 'node:fs';
import { CliError } from '../cli-error.ts';
import {
  SpendLogError,
  parseKeepingCosts,
  toCallbackEvent,
  type FindKeyMetadata,
} from './spend-log-event.ts';
import { SplitError, splitJson } from './split-json.ts';

/** A request in a file of LiteLLM's spend log. */
export interface LoggedRequest {
  /** Counted from 1. */
  readonly number: number;
  /** The event that LiteLLM's callback sends about it, as JSON; null: `reason` says why there is none. */
  readonly event: string | null;
  readonly reason: string;
}

interface ReadOptions {
  readonly findMetadata: FindKeyMetadata;
  readonly onProgress: (bytesRead: number) => void;
}

/**
 * Reads a file of LiteLLM's own log: answers of `/spend/logs/v2`, one after another, their rows as an array or a line
 * each, or events that its callback has sent. A page is in memory at a time. A row that isn't JSON, such as one with a
 * `NaN` or a line that is cut off, has a reason instead of an event; the others are read.
 * @throws CliError if the file can't be read, isn't UTF-8, or has something else between its objects
 */
export async function* readSpendLog(
  path: string,
  { findMetadata, onProgress }: ReadOptions,
): AsyncGenerator<LoggedRequest> {
  let number = 0;
  try {
    for await (const text of splitJson(readText(path, onProgress))) {
      for await (const row of rowsOf(text)) {
        number += 1;
        yield readRow(number, row, findMetadata);
      }
    }
  } catch (error) {
    if (!(error instanceof SplitError)) throw error;
    throw new CliError(`${path}, after request ${number}: ${error.message}`, {
      hint: 'export it with /spend/logs/v2',
      cause: error,
    });
  }
}

function readRow(number: number, row: unknown, findMetadata: FindKeyMetadata): LoggedRequest {
  if (row instanceof Error) return { number, event: null, reason: `not JSON: ${row.message}` };
  try {
    return { number, event: toCallbackEvent(row, findMetadata), reason: '' };
  } catch (error) {
    if (!(error instanceof SpendLogError)) throw error;
    return { number, event: null, reason: error.message };
  }
}

/** How LiteLLM begins a page. Other lists don't follow. */
const PAGE_START = /^\{\s*"data"\s*:\s*\[/;

/**
 * Yields the rows of an answer of `/spend/logs/v2`; anything else is a row itself. Of a row that isn't JSON, it yields
 * the error.
 */
async function* rowsOf(text: string): AsyncGenerator {
  const value = parse(text);
  const isPage = typeof value === 'object' && value !== null && 'data' in value;
  const start = value instanceof Error ? PAGE_START.exec(text)?.[0] : undefined;
  // One row that isn't JSON must not cost the others of its page.
  if (start !== undefined) yield* parseEach(text.slice(start.length, text.lastIndexOf(']')));
  else if (isPage && Array.isArray(value.data)) yield* value.data;
  else yield value;
}

async function* parseEach(list: string): AsyncGenerator {
  try {
    for await (const text of splitJson([list])) yield parse(text);
  } catch (error) {
    if (!(error instanceof SplitError)) throw error;
    yield error;
  }
}

/** Returns the value, or the error if it isn't JSON or is nested too deeply. */
function parse(text: string): unknown {
  try {
    return parseKeepingCosts(text);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return error;
    throw error;
  }
}

async function* readText(
  path: string,
  onProgress: (bytesRead: number) => void,
): AsyncGenerator<string> {
  const file = createReadStream(path);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const chunk of file as AsyncIterable<Buffer>) {
      onProgress(file.bytesRead);
      yield decoder.decode(chunk, { stream: true });
    }
    yield decoder.decode();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new CliError(`There is no file ${path}`, { cause: error });
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') {
      throw new CliError(`${path} is not UTF-8`, { cause: error });
    }
    throw code === undefined
      ? error
      : new CliError(`${path} can't be read: ${message}`, { cause: error });
  }
}
