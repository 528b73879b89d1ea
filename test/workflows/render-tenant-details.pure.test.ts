import { expect, test } from 'vitest';
import { Markdown, toDetails } from '../../src/contracts/markdown.ts';
import { adviceFor } from '../../src/contracts/failure-advice.ts';
import type { TenantResult } from '../../src/contracts/month-end.ts';
import { renderTenantDetails } from '../../src/workflows/render-tenant-details.ts';

const parked = (tenantId: string, type: string): TenantResult => ({
  tenantId,
  outcome: 'parked',
  failure: { type, reason: 'so it is' },
});

test('who is parked has the advice for its type, and how to try again', () => {
  expect(renderTenantDetails('2026-05', [parked('acme', 'missing_plan_version')])).toBe(
    toDetails(
      [
        '**Invoice of acme for 2026-05**: parked',
        '`missing_plan_version`: so it is',
        `**What to do**: ${adviceFor('missing_plan_version')}`,
        'Then send the signal `run` to `month-end-2026-05`.',
      ].map((source) => new Markdown(source)),
    ),
  );
});

test('how a total is accepted is said where one waits for it, and nowhere else', () => {
  const several = [parked('acme', 'missing_plan_version'), parked('rich', 'out_of_bounds')];
  expect(renderTenantDetails('2026-05', several)).toContain('"acceptBounds": true');
  expect(renderTenantDetails('2026-05', several.slice(0, 1))).not.toContain('acceptBounds');
});
