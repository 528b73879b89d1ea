import { z } from 'zod';
import type { DraftToQuote } from '../../contracts/activity-types.ts';
import type { DraftRef } from '../../contracts/month-end-types.ts';
import type { DeploymentLine } from '../../domain/deployment-lines.ts';
import type { Period } from '../../domain/period.ts';
import type { BilledDeployment } from '../../domain/service-days.ts';
import type { Usage } from '../../domain/types.ts';
import {
  HELD_BY_OWN,
  IS_LLM,
  isMeteredOf,
  summing,
  toLlm,
  toMetered,
  type HeldLlmUsage,
  type HeldSum,
} from '../usage/held-usage.ts';
import type { Queryable } from '../pool.ts';
import { selectingDeployments, type TouchingDeployment } from './quote-inputs.ts';
import { isOneOf, rowsAs, sql } from '../sql.ts';

/** The lines that a chunk holds: quotes or LLM usage. */
export type Section = 'quote' | 'llm';

/** Schema of a JSON array that our own statement built. Its rows aren't validated. */
const rowsOf = <Row>() => z.custom<readonly Row[]>((value) => Array.isArray(value));

/** Selects the drafts that this run owns and that are still open. Conditions on `d` can follow. */
function ownDrafts(owner: string, drafts: readonly { readonly draftId: string }[]) {
  const ids = drafts.map(({ draftId }) => draftId);
  return sql.fragment`
    SELECT d.draft_id, d.tenant_id, d.replaces_invoice_id FROM invoice_drafts d
    WHERE d.draft_id ${isOneOf(ids, 'uuid')} AND d.owner = ${owner} AND d.state = 'open'`;
}

/** A deployment that a draft bills. */
export type DraftDeployment = TouchingDeployment & { readonly draftId: string };

export interface QuoteInputs {
  /** Drafts that this run still owns, with their tenants' currencies. */
  readonly own: ReadonlyMap<string, { readonly currency: string }>;
  /** At most `limit`, each with all of its subscriptions, ordered like the given drafts and then by id. */
  readonly deployments: readonly DraftDeployment[];
  /** Metered usage of the period by deployment. */
  readonly usage: ReadonlyMap<string, Usage>;
}

const quoteInputs = z.object({
  own: rowsOf<{ readonly draftId: string; readonly currency: string }>(),
  deployments: rowsOf<DraftDeployment>(),
  sums: rowsOf<HeldSum>(),
});

/**
 * Returns the inputs of the next quotes, all read at the same moment: deployments after each draft's last
 * chunk, and the metered usage sealed for the drafts.
 */
export async function readQuoteInputs(
  db: Queryable,
  period: Period,
  owner: string,
  drafts: readonly DraftToQuote[],
  limit: number,
): Promise<QuoteInputs> {
  const inOrder = rowsAs(
    'o',
    { draft_id: 'uuid', after: 'text', n: 'int4' },
    drafts.map(({ draftId, after }, n) => ({ draft_id: draftId, after: after ?? '', n })),
  );
  const { own, deployments, sums } = await db.one(sql.type(quoteInputs)`
    WITH own AS MATERIALIZED (${ownDrafts(owner, drafts)}),
      chunk AS MATERIALIZED (
        SELECT own.draft_id AS "draftId", o.n, due.* FROM ${inOrder} JOIN own USING (draft_id)
        JOIN LATERAL (
          ${selectingDeployments(period, sql.fragment`s.tenant_id = own.tenant_id AND s.deployment_id > o.after`)}
          ORDER BY s.deployment_id LIMIT ${limit}
        ) due ON true
        ORDER BY o.n, due."deploymentId" LIMIT ${limit}
      )
    SELECT
      (SELECT coalesce(json_agg(json_build_object('draftId', own.draft_id, 'currency', t.currency)), '[]')
        FROM own JOIN tenants t USING (tenant_id)) AS own,
      (SELECT coalesce(json_agg(chunk ORDER BY n, "deploymentId"), '[]') FROM chunk) AS deployments,
      (SELECT coalesce(json_agg(sums), '[]') FROM (${summing(
        HELD_BY_OWN,
        sql.fragment`${isMeteredOf(period)} AND b.deployment_id IN (SELECT "deploymentId" FROM chunk)`,
      )}) sums) AS sums
  `);
  return {
    own: new Map(own.map((draft) => [draft.draftId, draft])),
    deployments,
    usage: toMetered(sums),
  };
}

const llmInputs = z.object({ own: rowsOf<string>(), sums: rowsOf<HeldSum>() });

/** Returns the LLM usage sealed for drafts, and which of the drafts this run still owns. */
export async function readLlmInputs(
  db: Queryable,
  owner: string,
  drafts: readonly DraftRef[],
): Promise<{ readonly own: ReadonlySet<string>; readonly usage: readonly HeldLlmUsage[] }> {
  const { own, sums } = await db.one(sql.type(llmInputs)`
    WITH own AS MATERIALIZED (${ownDrafts(owner, drafts)})
    SELECT (SELECT coalesce(json_agg(draft_id), '[]') FROM own) AS own,
      (SELECT coalesce(json_agg(sums), '[]') FROM (${summing(HELD_BY_OWN, IS_LLM)}) sums) AS sums
  `);
  return { own: new Set(own), usage: toLlm(sums) };
}

/** The lines of a draft that one step computed. */
export interface Chunk {
  readonly draftId: string;
  /** The last deployment of the previous chunk; null for the first chunk. */
  readonly after: string | null;
  /** The last deployment of this chunk; null for the last chunk. */
  readonly upTo: string | null;
  readonly lines: readonly DeploymentLine[];
  /** What quotes were computed from, besides usage; null for LLM usage. */
  readonly deployments: readonly BilledDeployment[] | null;
}

const writtenChunk = z.object({ draftId: z.string(), upTo: z.string().nullable() });
/** A stored chunk, from whichever attempt came first. */
export type WrittenChunk = z.infer<typeof writtenChunk>;

const CHUNK = {
  draftId: 'uuid',
  after: 'text',
  upTo: 'text',
  lines: 'json',
  deployments: 'jsonb',
} as const;

/**
 * Writes chunks of a section for the drafts that this run still owns. The first attempt at a chunk counts: a
 * later one, which may have read other subscriptions, changes nothing and gets the end of the first one.
 * @returns the stored chunks of the drafts that this run still owns
 */
export async function writeChunks(
  db: Queryable,
  owner: string,
  section: Section,
  chunks: readonly Chunk[],
): Promise<readonly WrittenChunk[]> {
  if (chunks.length === 0) return [];
  // Waits for a run that is taking over a draft; afterwards this run no longer owns the draft.
  const own = sql.fragment`
    ${ownDrafts(owner, chunks)} ORDER BY d.tenant_id, d.draft_id FOR SHARE OF d`;
  const rows = chunks.map(({ draftId, after, upTo, lines, deployments }) => ({
    draftId,
    after: after ?? '',
    upTo,
    lines: JSON.stringify(lines),
    deployments: deployments && JSON.stringify(deployments),
  }));
  const written = await db.any(sql.type(writtenChunk)`
    WITH own AS MATERIALIZED (${own})
    INSERT INTO invoice_draft_chunks
      (draft_id, section, after_deployment, up_to_deployment, lines, deployments)
    SELECT own.draft_id, ${section}, c.after, c."upTo", c.lines, c.deployments
    FROM ${rowsAs('c', CHUNK, rows)}
    JOIN own ON own.draft_id = c."draftId"
    ON CONFLICT (draft_id, section, after_deployment) DO NOTHING
    RETURNING draft_id AS "draftId", up_to_deployment AS "upTo"
  `);
  const isWritten = new Set(written.map(({ draftId }) => draftId));
  const others = chunks.filter(({ draftId }) => !isWritten.has(draftId));
  if (others.length === 0) return written;
  const before = await db.any(sql.type(writtenChunk)`
    SELECT c.draft_id AS "draftId", c.up_to_deployment AS "upTo"
    FROM ${rowsAs(
      'o',
      { draft_id: 'uuid', after: 'text' },
      others.map(({ draftId, after }) => ({ draft_id: draftId, after: after ?? '' })),
    )}
      JOIN invoice_drafts d USING (draft_id)
      JOIN invoice_draft_chunks c ON c.draft_id = o.draft_id AND c.after_deployment = o.after
    WHERE c.section = ${section} AND d.owner = ${owner} AND d.state = 'open'
  `);
  return [...written, ...before];
}

/** A chunk as read back. */
const storedChunk = z.object({
  section: z.enum(['quote', 'llm']),
  after: z.string(),
  upTo: z.string().nullable(),
  lines: rowsOf<DeploymentLine>(),
});
/** The chunks of a draft `d`, as a JSON array. */
export const CHUNKS_OF_DRAFT = sql.fragment`(
  SELECT coalesce(json_agg(json_build_object('section', c.section, 'after', c.after_deployment,
    'upTo', c.up_to_deployment, 'lines', c.lines)), '[]')
  FROM invoice_draft_chunks c WHERE c.draft_id = d.draft_id)`;
export const storedChunks = z.array(storedChunk);

/**
 * Returns the lines of a draft, quotes first, each section ordered by deployment; null if a step's chunk is
 * missing, so that the chunks don't join up to the last deployment.
 */
export function linesOfChunks(
  chunks: z.infer<typeof storedChunks>,
): readonly DeploymentLine[] | null {
  const lines: DeploymentLine[] = [];
  for (const section of ['quote', 'llm'] as const) {
    const byStart = new Map(
      chunks.filter((chunk) => chunk.section === section).map((chunk) => [chunk.after, chunk]),
    );
    for (let after: string | null = ''; after !== null;) {
      const chunk = byStart.get(after);
      if (!chunk) return null;
      byStart.delete(after);
      lines.push(...chunk.lines);
      after = chunk.upTo;
    }
  }
  return lines;
}

/**
 * Returns a statement that keeps the compositions of drafts that are being issued, in the order of their deployments.
 */
export function keepingCompositions(draftIds: readonly string[]) {
  return sql.fragment`
    INSERT INTO invoice_compositions (invoice_id, part, deployments)
    SELECT draft_id, row_number() OVER (PARTITION BY draft_id ORDER BY after_deployment), deployments
    FROM invoice_draft_chunks WHERE draft_id ${isOneOf(draftIds, 'uuid')} AND section = 'quote'`;
}

/** Returns a statement that deletes the chunks of drafts that are being closed. */
export function deletingChunks(draftIds: readonly string[]) {
  return sql.fragment`DELETE FROM invoice_draft_chunks WHERE draft_id ${isOneOf(draftIds, 'uuid')}`;
}
