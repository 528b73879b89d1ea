import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Random } from '../../dev/random.ts';
import { MONTH, type Tenant } from './population.ts';

/** A payment that was acknowledged. */
export interface AcknowledgedPayment {
  readonly tenantId: string;
  readonly cents: number;
}

/** An invoice item that was acknowledged. */
export interface AcknowledgedItem {
  readonly tenantId: string;
  readonly cents: number;
  readonly isTaxable: boolean;
  isWithdrawn: boolean;
}

/**
 * The finance team: pays, reverses, credits, voids, releases, and records and withdraws invoice items all the time. It
 * sends each request until it is answered, some of them twice.
 */
export interface Finance {
  /** By payment id. */
  readonly payments: ReadonlyMap<string, AcknowledgedPayment>;
  /** By item id. */
  readonly items: ReadonlyMap<string, AcknowledgedItem>;
  /** Net amounts of credits, by the id of the request. */
  readonly credits: ReadonlyMap<string, number>;
  /** Ids of invoices that were voided. */
  readonly voided: ReadonlySet<string>;
  /** Tenants whose month was released. */
  readonly released: ReadonlySet<string>;
  /** Answers that should not have come. */
  readonly complaints: readonly string[];
  /** Does many things at once. */
  burst(size: number): Promise<void>;
  /** Ends when everything that was begun is acknowledged. */
  finish(): Promise<void>;
}

export interface FinanceOptions {
  readonly apiUrl: string;
  readonly key: string;
  readonly tenants: readonly Tenant[];
  readonly random: Random;
  /** Between two requests, in milliseconds. */
  readonly pauseMs: number;
}

const REQUEST_TIMEOUT_MS = 30_000;
const RETRY_PAUSE_MS = 100;
const MAX_COMPLAINTS = 20;
const REASON = 'a test';

const line = z.object({ line_no: z.number(), kind: z.string(), amount_cents: z.number() });
const header = z.object({
  invoice_id: z.string(),
  number: z.string(),
  total_cents: z.number(),
});
const listed = z.object({ invoices: z.array(header) });
const detailed = header.extend({ lines: z.array(line) });

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export function startFinance(options: FinanceOptions): Finance {
  const { apiUrl, key, tenants, random } = options;
  const payments = new Map<string, AcknowledgedPayment>();
  const items = new Map<string, AcknowledgedItem>();
  const credits = new Map<string, number>();
  const voided = new Set<string>();
  const released = new Set<string>();
  const complaints: string[] = [];
  let lastId = 0;
  let isOver = false;

  const nextId = (kind: string) => `${kind}-${(lastId += 1)}`;

  function pick<T>(choices: readonly T[]): T | null {
    return choices[random.integer(0, choices.length - 1)] ?? null;
  }

  /** Sends a request until it is answered; sometimes twice at the same time, as a sender that lost patience does. */
  async function ask(method: 'GET' | 'POST', path: string, body?: object): Promise<Answer> {
    const copies = method === 'POST' && random.integer(1, 10) === 1 ? 2 : 1;
    const [answer] = await Promise.all([
      untilAnswered(method, path, body),
      ...Array.from({ length: copies - 1 }, () => untilAnswered(method, path, body)),
    ]);
    return answer;
  }

  async function untilAnswered(method: string, path: string, body?: object): Promise<Answer> {
    for (;;) {
      const answer = await attempt(method, path, body).catch(() => null);
      if (answer !== null && ![429, 500, 503].includes(answer.status)) return answer;
      await sleep(RETRY_PAUSE_MS);
    }
  }

  async function attempt(method: string, path: string, body?: object): Promise<Answer> {
    const response = await fetch(new URL(path, apiUrl), {
      method,
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    const parsed: unknown = await response.json();
    if (response.status === 500) complain(path, { status: 500, body: parsed });
    return { status: response.status, body: parsed };
  }

  function complain(what: string, { status, body }: Answer): void {
    if (complaints.length >= MAX_COMPLAINTS) return;
    complaints.push(`${what} was answered ${status}: ${JSON.stringify(body).slice(0, 300)}`);
  }

  /** Returns whether it was done. Refusals that the rules allow change nothing; others are complaints. */
  function isDone(what: string, answer: Answer, refusals: readonly number[]): boolean {
    if (answer.status === 200 || answer.status === 201) return true;
    if (!refusals.includes(answer.status)) complain(what, answer);
    return false;
  }

  /** An invoice of the month that stood a moment ago; null: the tenant has none. */
  async function findInvoice(tenantId: string) {
    const query = new URLSearchParams({ tenant_id: tenantId, month: MONTH });
    const { status, body } = await ask('GET', `/api/v1/invoices?${query.toString()}`);
    const found = status === 200 ? listed.parse(body).invoices : [];
    return pick(found);
  }

  async function pay(tenantId: string): Promise<void> {
    const invoice = await findInvoice(tenantId);
    if (invoice === null) return;
    const share = random.integer(1, 4);
    const cents = Math.max(Math.ceil(invoice.total_cents / share), 1);
    const paymentId = nextId('payment');
    const sent = {
      payment_id: paymentId,
      invoice_number: invoice.number,
      amount_cents: random.integer(1, 6) === 1 ? -cents : cents,
      received_on: '2026-06-12',
    };
    // It may be void by now.
    const answer = await ask('POST', '/api/v1/payments', sent);
    if (!isDone('a payment', answer, [409, 422])) return;
    payments.set(paymentId, { tenantId, cents: sent.amount_cents });
  }

  async function credit(tenantId: string): Promise<void> {
    const invoice = await findInvoice(tenantId);
    if (invoice === null) return;
    const path = `/api/v1/invoices/${invoice.invoice_id}`;
    const { status, body } = await ask('GET', path);
    const lines = status === 200 ? detailed.parse(body).lines : [];
    const chosen = pick(
      lines.filter(({ kind, amount_cents }) => kind !== 'tax' && amount_cents > 0),
    );
    if (chosen === null) return;
    const requestId = nextId('credit');
    const cents = Math.max(Math.ceil(chosen.amount_cents / random.integer(1, 5)), 1);
    const sent = {
      request_id: requestId,
      line_no: chosen.line_no,
      amount_cents: cents,
      reason: REASON,
    };
    // The line may have been credited in full, and the invoice replaced or voided.
    const answer = await ask('POST', `${path}/credits`, sent);
    if (isDone('a credit', answer, [409, 422])) credits.set(requestId, cents);
  }

  async function addItem(tenantId: string): Promise<void> {
    const itemId = nextId('item');
    const cents = random.integer(1, 3000) * (random.integer(1, 2) === 1 ? 1 : -1);
    const isTaxable = random.integer(1, 3) > 1;
    const sent = {
      item_id: itemId,
      tenant_id: tenantId,
      month: MONTH,
      description: `Item ${itemId}`,
      amount_cents: cents,
      taxable: isTaxable,
    };
    const answer = await ask('POST', '/api/v1/invoice-items', sent);
    if (isDone('an item', answer, [])) {
      items.set(itemId, { tenantId, cents, isTaxable, isWithdrawn: false });
    }
  }

  async function withdraw(): Promise<void> {
    const entry = pick([...items]);
    if (entry === null) return;
    const [itemId, item] = entry;
    // It may be billed by now.
    const path = `/api/v1/invoice-items/${itemId}/withdraw`;
    const answer = await ask('POST', path, { reason: REASON });
    if (isDone('a withdrawal', answer, [409])) item.isWithdrawn = true;
  }

  async function voidInvoice(tenantId: string): Promise<void> {
    const invoice = await findInvoice(tenantId);
    if (invoice === null) return;
    // It may be settled or replaced by now.
    const path = `/api/v1/invoices/${invoice.invoice_id}/void`;
    const answer = await ask('POST', path, { reason: REASON });
    if (isDone('a void', answer, [409])) voided.add(invoice.invoice_id);
  }

  async function release(tenantId: string): Promise<void> {
    const sent = {
      month: MONTH,
      tenant_ids: [tenantId],
      reason: REASON,
      request_id: nextId('release'),
    };
    const answer = await ask('POST', '/api/v1/releases', sent);
    // A tenant without an invoice has nothing to release.
    if (!isDone('a release', answer, [])) return;
    const { not_released: refused } = z
      .object({ not_released: z.array(z.unknown()) })
      .parse(answer.body);
    if (refused.length === 0) released.add(tenantId);
  }

  async function act(): Promise<void> {
    const tenantId = pick(tenants)?.tenantId ?? '';
    const choice = random.integer(1, 20);
    if (choice <= 5) await pay(tenantId);
    else if (choice <= 8) await credit(tenantId);
    else if (choice <= 12) await addItem(tenantId);
    else if (choice <= 14) await withdraw();
    else if (choice <= 17) await voidInvoice(tenantId);
    else await release(tenantId);
  }

  async function work(): Promise<void> {
    while (!isOver) {
      await act();
      await sleep(options.pauseMs);
    }
  }

  const running = work();
  running.catch(() => undefined);
  return {
    payments,
    items,
    credits,
    voided,
    released,
    complaints,
    async burst(size) {
      await Promise.all(Array.from({ length: size }, act));
    },
    async finish() {
      isOver = true;
      await running;
    },
  };
}
