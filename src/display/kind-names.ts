import type { LineKind } from '../domain/types.ts';

/** What people call the kinds of lines. */
export const KIND_NAMES: Readonly<Record<LineKind, string>> = {
  plan_base: 'Plan base',
  addon: 'Addons',
  overage: 'Overage',
  llm_usage: 'LLM usage',
  item: 'Charges and credits',
  credit: 'Credits on lines',
  tax: 'Tax',
};
