import type { Writable } from 'node:stream';
import { indent } from '../cli/render/table.ts';

/** Tells what is being done, step by step, and how long each took. */
export interface Steps {
  /** @param work its text is shown below the step */
  step<T extends { readonly text: string }>(title: string, work: () => Promise<T>): Promise<T>;
}

const TITLE_WIDTH = 62;
const TEXT_INDENT = 5;

export function createSteps(output: Writable & { readonly isTTY?: boolean }): Steps {
  let count = 0;
  return {
    async step(title, work) {
      const label = `${String((count += 1)).padStart(2)}   ${title}`;
      // Where it can be overwritten, the title stands there while its work is done.
      if (output.isTTY) output.write(`${label} …`);
      const startedAt = performance.now();
      try {
        const result = await work();
        const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
        const text = result.text === '' ? '' : `${indent(result.text, TEXT_INDENT)}\n`;
        output.write(`${lineStart(output)}${label.padEnd(TITLE_WIDTH)}${seconds.padStart(6)} s\n`);
        output.write(`${text}\n`);
        return result;
      } catch (error) {
        output.write(`${lineStart(output)}${label}: failed\n`);
        throw error;
      }
    },
  };
}

function lineStart({ isTTY }: { readonly isTTY?: boolean }): string {
  return isTTY ? '\r\u001b[K' : '';
}
