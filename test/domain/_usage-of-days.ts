import type { UsageOfDay } from '../../src/domain/daily-figures.ts';

/** The charge of one LLM request on a day, in exact cents. */
export function llm(day: number, model: string, amount: string): UsageOfDay {
  return { day, model, amount, events: 1, resourceKind: 'llm_usage', currency: 'AUD' };
}

/** Droplet hours of one metered record on a day. */
export function hours(day: number, amount: string): UsageOfDay {
  return { day, amount, events: 1, model: null, resourceKind: 'droplet_hours', currency: null };
}
