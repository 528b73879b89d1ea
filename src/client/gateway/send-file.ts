import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { resendEarly } from './post-all.ts';
import { sendStream, type LineAnswer, type SendStreamOptions } from './send-stream.ts';

export interface SendFileOptions extends SendStreamOptions {
  /** Called with the number of bytes read from the file. */
  readonly onProgress: (bytesRead: number) => void;
}

const NEWLINE = 0x0a;

/**
 * Streams a file of usage with one event per line, then retries corrections that were answered `retry_later` in further
 * streams. `onAnswer` is called once per line.
 * @throws StreamError
 */
export async function sendFile(
  path: string,
  { onProgress, onAnswer, ...options }: SendFileOptions,
): Promise<void> {
  let early = new Map<number, LineAnswer>();
  const body = createReadStream(path).on('data', () => onProgress(body.bytesRead));
  // The listener must not start the stream: only the request reads it.
  body.pause();
  await sendStream(body, {
    ...options,
    onAnswer(answer) {
      if (answer.status === 'retry_later') early.set(answer.line, answer);
      else onAnswer(answer);
    },
  });
  // A pipe can't be read twice.
  const canResend = (await stat(path)).isFile();
  await resendEarly(canResend ? early.size : 0, async () => {
    const lines = [...early.keys()].sort((a, b) => a - b);
    const still = new Map<number, LineAnswer>();
    await sendStream(Readable.from(pickLines(path, new Set(lines))), {
      ...options,
      onAnswer(answer) {
        const line = lines[answer.line - 1] ?? 0;
        if (answer.status === 'retry_later') still.set(line, { ...answer, line });
        else onAnswer({ ...answer, line });
      },
    });
    early = still;
    return early.size;
  });
  for (const answer of early.values()) onAnswer(answer);
}

/** The lines with these numbers (from 1) of a file, unchanged. */
async function* pickLines(path: string, numbers: ReadonlySet<number>): AsyncGenerator<Buffer> {
  let number = 1;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let start = 0;
    while (start < chunk.length) {
      const end = chunk.indexOf(NEWLINE, start);
      const next = end === -1 ? chunk.length : end + 1;
      if (numbers.has(number)) yield chunk.subarray(start, next);
      if (end !== -1) number += 1;
      start = next;
    }
  }
}
