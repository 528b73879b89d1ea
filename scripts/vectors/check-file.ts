import { z } from 'zod';
import { DomainError } from '../../src/domain/errors.ts';
import { differencesOf, type Difference } from './compare.ts';
import { computeLlmInvoice, llmInvoiceCase } from './llm-invoice-case.ts';
import { computeQuote, normalizeQuote, noteOf, quoteCase } from './quote-case.ts';
import { computeRealMonth, realMonthCase } from './real-month-case.ts';

/** A case whose form is known. */
export interface VectorCase {
  readonly id: string;
  /** What the reader should know of how it is read; null: nothing. */
  readonly note: string | null;
  /** Compares the expected result with the domain's own; none: the case is exact. */
  readonly check: () => readonly Difference[];
}

/** A file that isn't one of cases in a known form. */
export class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile';
}

/**
 * Reads a file of cases (test/vectors/README.md has the forms).
 * @param text a JSON array of cases
 * @throws UnreadableFile
 */
export function readCases(text: string): readonly VectorCase[] {
  const cases = parse(text);
  if (!Array.isArray(cases)) throw new UnreadableFile('expected a JSON array of cases');
  if (cases.length === 0) throw new UnreadableFile('there are no cases in it');
  return cases.map(readCase);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UnreadableFile(`not JSON: ${(error as Error).message}`);
  }
}

/** The fields tell the form. */
function readCase(given: unknown, index: number): VectorCase {
  const where = describeCase(given, index);
  const fields = new Set(typeof given === 'object' && given !== null ? Object.keys(given) : []);
  if (fields.has('plan_version')) {
    const read = parseCase(quoteCase, given, where);
    return {
      ...checking(read.id, normalizeQuote(read), () => computeQuote(read)),
      note: noteOf(read),
    };
  }
  if (fields.has('charges')) {
    const read = parseCase(llmInvoiceCase, given, where);
    return checking(read.id, read.expected, () => computeLlmInvoice(read));
  }
  if (fields.has('time_zone')) {
    const read = parseCase(realMonthCase, given, where);
    return checking(read.id, read.expected, () => computeRealMonth(read));
  }
  throw new UnreadableFile(
    `${where} has no known form: expected a quote (plan_version), an LLM invoice (charges) or a real month (time_zone)`,
  );
}

function checking(id: string, expected: unknown, compute: () => unknown): VectorCase {
  const check = () => {
    try {
      return differencesOf(expected, compute());
    } catch (error) {
      // The domain rejects the case.
      if (!(error instanceof DomainError)) throw error;
      return [{ path: '', expected, got: `${error.code}: ${error.message}` }];
    }
  };
  return { id, note: null, check };
}

function parseCase<T>(schema: z.ZodType<T>, given: unknown, where: string): T {
  const { data, error } = schema.safeParse(given);
  if (error) throw new UnreadableFile(`${where}: ${z.prettifyError(error)}`);
  return data;
}

function describeCase(given: unknown, index: number): string {
  const id = z.object({ id: z.string() }).safeParse(given).data?.id;
  return id === undefined ? `case ${index + 1}` : `case ${id}`;
}
