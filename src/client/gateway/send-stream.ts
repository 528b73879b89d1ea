import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { USAGE_PATHS, RESULT_STATUSES, type UsageEndpoint } from './usage-client.ts';

const answer = z.union([
  z.object({
    line: z.number(),
    gateway_request_id: z.string().nullish(),
    record_id: z.string().nullish(),
    status: z.enum(RESULT_STATUSES),
    reason: z.string().optional(),
  }),
  z.object({
    summary: z.object({
      ...Object.fromEntries(RESULT_STATUSES.map((status) => [status, z.number()])),
      lines: z.number(),
    }),
  }),
  z.object({ problem: z.object({ detail: z.string(), after_line: z.number() }) }),
]);
/** The API's answer for one line. */
export type LineAnswer = Extract<z.infer<typeof answer>, { readonly line: number }>;

const refusal = z.object({ title: z.string(), detail: z.string() });

export interface SendStreamOptions {
  /** `http://127.0.0.1:8080`. */
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly source: UsageEndpoint;
  /** Required with an operator's key. */
  readonly backfillReason?: string | undefined;
  readonly onAnswer: (answer: LineAnswer) => void;
}

/** The API did not answer the whole stream. It is safe to send it again: nothing is counted twice. */
export class StreamError extends Error {
  override readonly name = 'StreamError';
}

/**
 * Sends events, one per line, and reads their answers at the same time. `fetch` can't do that, and the two sides would
 * wait for each other.
 * @throws StreamError
 */
export async function sendStream(body: Readable, options: SendStreamOptions): Promise<void> {
  const url = new URL(USAGE_PATHS[options.source], options.apiUrl);
  if (options.backfillReason !== undefined) {
    url.searchParams.set('backfill_reason', options.backfillReason);
  }
  const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${options.apiKey}`,
      'Content-Type': 'application/x-ndjson',
    },
  });
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', reject);
    // An exchange may end without either, such as 101 Switching Protocols.
    request.once('close', () => {
      reject(new Error('the connection was closed'));
    });
  });
  // The response may end before the body and then says why.
  const sending = pipeline(body, request).catch((error: unknown) => error);
  let hasEnded = false;
  try {
    const answers = await response;
    if (answers.statusCode !== 200) throw new StreamError(await readRefusal(answers));
    for await (const line of createInterface({ input: answers })) {
      const said = answer.parse(JSON.parse(line));
      if ('line' in said) options.onAnswer(said);
      else if ('problem' in said) throw new StreamError(describeProblem(said.problem));
      else hasEnded = true;
    }
  } catch (error) {
    if (error instanceof StreamError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new StreamError(`the connection to ${url.origin} broke: ${reason}`, { cause: error });
  } finally {
    if (!hasEnded) request.destroy();
    await sending;
  }
  if (!hasEnded) throw new StreamError(`${url.origin} closed the connection before its summary`);
}

function describeProblem({
  detail,
  after_line: line,
}: {
  detail: string;
  after_line: number;
}): string {
  return `the API stopped after line ${line}: ${detail}`;
}

async function readRefusal(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  let said = text.slice(0, 200);
  try {
    said = refusal.parse(JSON.parse(text)).detail;
  } catch {
    // A proxy answered, not the API.
  }
  return `the API answered ${response.statusCode ?? 0}: ${said}`;
}
