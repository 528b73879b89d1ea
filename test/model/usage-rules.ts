import { exact } from './exact.ts';
import type { Deployment } from './fleet.ts';
import type { Model, UsageEvent } from './model.ts';

/** What becomes of usage that is sent, and of what is excluded. docs/spec.md#usage. */

/** An event as it is sent. */
export interface Sent {
  readonly source: 'llm' | 'metered';
  readonly id: string;
  /** The tenant that the event names. */
  readonly tenant: string;
  readonly deployment: Deployment;
  readonly kind: string;
  readonly month: number;
  /** Which instant of the month. */
  readonly when: number;
  /** Decimal string. */
  readonly amount: string;
  /** The record that it corrects. */
  readonly replaces: string | null;
}

export type Answer = 'accepted' | 'duplicate' | 'conflict' | 'retry_later' | 'rejected';

/**
 * Takes a batch in. A correction may come before its record: what can't be decided yet is looked at
 * again, as long as something is, and then answered as one to send again later.
 */
export function ingest(model: Model, batch: readonly Sent[]): readonly Answer[] {
  const answers: (Answer | null)[] = batch.map(() => null);
  for (let isMoving = true; isMoving;) {
    isMoving = false;
    for (const [index, sent] of batch.entries()) {
      if (answers[index] !== null) continue;
      const answer = decide(model, sent);
      if (answer === null) continue;
      answers[index] = answer;
      isMoving = true;
    }
  }
  return answers.map((answer) => answer ?? 'retry_later');
}

function decide(model: Model, sent: Sent): Answer | null {
  const { deployment, replaces } = sent;
  if (sent.tenant !== deployment.tenant) return 'rejected';
  const known = find(model, sent.source, sent.id);
  if (known) return known.content === contentOf(sent) ? 'duplicate' : 'conflict';
  if (replaces === null) return accept(model, sent, null);
  const record = find(model, 'metered', replaces);
  if (!record) return null;
  const isSameUsage =
    record.deployment === deployment && record.kind === sent.kind && record.month === sent.month;
  if (!isSameUsage || record.isExcluded || record.replacedBy) return 'rejected';
  return accept(model, sent, record);
}

function accept(model: Model, sent: Sent, record: UsageEvent | null): Answer {
  const amount = exact(sent.amount);
  const event: UsageEvent = {
    source: sent.source,
    id: sent.id,
    deployment: sent.deployment,
    kind: sent.kind,
    month: sent.month,
    amount,
    added: record === null ? amount : amount - record.amount,
    content: contentOf(sent),
    replacedBy: null,
    isExcluded: false,
    holder: null,
  };
  if (record) record.replacedBy = event;
  model.events.push(event);
  return 'accepted';
}

function find(model: Model, source: UsageEvent['source'], id: string): UsageEvent | undefined {
  return model.events.find((event) => event.source === source && event.id === id);
}

function contentOf({ deployment, kind, month, when, amount, replaces }: Sent): string {
  return JSON.stringify([deployment.id, kind, month, when, exact(amount).toString(), replaces]);
}

export type ExclusionAnswer = 'new' | 'known' | 'refused';

/** Takes an event out of billing, for good; a record that was replaced has nothing left to take out. */
export function exclude(event: UsageEvent): ExclusionAnswer {
  if (event.replacedBy) return 'refused';
  if (event.isExcluded) return 'known';
  event.isExcluded = true;
  return 'new';
}
