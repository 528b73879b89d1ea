import { indent } from '../src/cli/render/text-table.ts';
import { terminalWidth } from '../src/cli/render/styled-text.ts';
import { printText, startLineAnew } from '../src/lib/terminal.ts';

/** Prints what is being done, step by step, and how long each step took. */
export interface Steps {
  /** @param work returns the text to print below the step */
  step<T extends { readonly text: string }>(title: string, work: () => Promise<T>): Promise<T>;
}

const TITLE_WIDTH = 62;
const TEXT_INDENT = 5;

interface StepsOptions {
  /** Default: standard output. */
  readonly write?: (text: string) => void;
  /** A step that ends with an error after this has aborted was interrupted; it didn't fail. */
  readonly signal?: AbortSignal;
}

export function createSteps({ write = printText, signal }: StepsOptions = {}): Steps {
  // On a terminal, the title is shown during the work and then overwritten.
  const isTerminal = write === printText && terminalWidth() !== null;
  let count = 0;
  return {
    async step(title, work) {
      const label = `${String((count += 1)).padStart(2)}   ${title}`;
      if (isTerminal) write(`${label} …`);
      const startedAt = performance.now();
      try {
        const result = await work();
        const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
        const text = result.text === '' ? '' : `${indent(result.text, TEXT_INDENT)}\n`;
        if (isTerminal) startLineAnew();
        write(`${label.padEnd(TITLE_WIDTH)}${seconds.padStart(6)} s\n${text}\n`);
        return result;
      } catch (error) {
        if (isTerminal) startLineAnew();
        write(`${label}: ${signal?.aborted ? 'interrupted' : 'failed'}\n`);
        throw error;
      }
    },
  };
}
