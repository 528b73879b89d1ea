import type { LineKind } from '../domain/types.ts';
import { textOf, type Meta } from './line-meta.ts';

/**
 * What plans, addons and resource kinds are called. A line carries the catalogue's names in its `meta` (`plan_name`,
 * `addon_name`, `resource_name`), as they were when it was billed, so a document never changes. What has no name there is
 * called by its code in words.
 */

/** Returns the name of the plan of a line, or of a part of its allowance; null if it has none. */
export function planName(meta: Meta): string | null {
  const code = textOf(meta.plan_version_id).replace(/-v\d+$/, '');
  return textOf(meta.plan_name) || (code === '' ? null : humanise(code));
}

/** Returns the name of the addon of a line, or of a part of its allowance; null if it has none. */
export function addonName(meta: Meta): string | null {
  const code = textOf(meta.addon_code);
  return textOf(meta.addon_name) || (code === '' ? null : humanise(code));
}

/** Returns the name of a line's resource kind. */
export function resourceName(resourceKind: string | null, meta: Meta): string {
  return textOf(meta.resource_name) || humanise(resourceKind ?? '');
}

const ACRONYMS = new Set(['api', 'cpu', 'dns', 'gb', 'gpu', 'ip', 'llm', 'mb', 'ssd', 'tb', 'vm']);

/** Returns a code in words, for what has no name: `llm_tokens` → `LLM tokens`, `storage_50gb` → `Storage 50 GB`. */
export function humanise(code: string): string {
  const words = code
    .replaceAll(/(?<=\d)(?=(?:gb|mb|tb)(?![a-z0-9]))/g, ' ')
    .split(/[_\s-]+/)
    .filter(Boolean)
    .map((word) => (ACRONYMS.has(word) ? word.toUpperCase() : word))
    .join(' ');
  return words === '' ? code : words.charAt(0).toUpperCase() + words.slice(1);
}

/** What the kinds of lines are called where amounts are added up by kind. */
export const KIND_NAMES: Readonly<Record<LineKind, string>> = {
  plan_base: 'Plan base',
  addon: 'Addons',
  overage: 'Overage',
  llm_usage: 'LLM usage',
  item: 'Charges and credits',
  credit: 'Credits on lines',
  tax: 'Tax',
};
