import axe, { type AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

/** Findings that prevent a user from using the page; axe's other findings are advice. */
const GRAVE = new Set(['serious', 'critical']);

/** Fails where axe finds something serious or critical on the page as it is now, with each place. */
export async function expectAccessible(page: Page): Promise<void> {
  expect(await listBarriers(page)).toEqual([]);
}

/**
 * What axe finds that is serious or critical, a sentence each. It comes in by the debugger's door:
 * the page's policy (CSP) stays in force, and needn't allow it.
 */
export async function listBarriers(page: Page): Promise<readonly string[]> {
  const debug = await page.context().newCDPSession(page);
  try {
    await debug.send('Runtime.evaluate', { expression: `${axe.source};0` });
    const { result, exceptionDetails } = await debug.send('Runtime.evaluate', {
      expression: 'axe.run(document, { resultTypes: ["violations"] })',
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) throw new Error(`axe failed: ${JSON.stringify(exceptionDetails)}`);
    const { violations, passes } = result.value as AxeResults;
    if (passes.length === 0) throw new Error('axe has looked at nothing');
    return violations.filter(({ impact }) => GRAVE.has(impact ?? '')).flatMap(sentences);
  } finally {
    await debug.detach();
  }
}

function sentences({ id, help, nodes }: AxeResults['violations'][number]): readonly string[] {
  return nodes.map(
    ({ target, failureSummary }) => `${id} (${help}) at ${String(target)}: ${failureSummary}`,
  );
}
