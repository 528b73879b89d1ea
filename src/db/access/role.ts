import { z } from 'zod';
import type { Queryable } from '../pool.ts';
import { ROLES, VERBS, excessRights, type HeldRight } from './rights.ts';
import { sql, textArray } from '../sql.ts';

const roleFacts = z.object({
  name: z.string(),
  isSuperuser: z.boolean(),
  /** Whether the role bypasses row level security. */
  bypassesRowSecurity: z.boolean(),
  /** Whether the role owns tables or is a member of the role that does, and so could drop the triggers. */
  isOwner: z.boolean(),
  /** Those of our roles that it is a member of, itself included. */
  roles: z.array(z.enum(ROLES)),
  /** Whether it can read on behalf of a tenant's key (`tenant-scope.ts`). */
  canBecomeTenant: z.boolean(),
});
/** What the connected role could do to the books. */
export type RoleFacts = z.infer<typeof roleFacts> & {
  /** Rights beyond those of its roles, such as `DELETE on invoices`. */
  readonly excessRights: readonly string[];
};

/** Reads the facts about the connected role. Also works on a database without our tables. */
export async function readRole(db: Queryable): Promise<RoleFacts> {
  const facts = await db.one(sql.type(roleFacts)`
    SELECT rolname::text AS name, rolsuper AS "isSuperuser", rolbypassrls AS "bypassesRowSecurity",
      EXISTS (
        SELECT FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
          AND pg_has_role(current_user, relowner, 'USAGE')
      ) AS "isOwner",
      ARRAY(
        SELECT ours.rolname::text FROM pg_roles ours
        WHERE ours.rolname = ANY(${textArray(ROLES)}) AND pg_has_role(current_user, ours.oid, 'USAGE')
        ORDER BY ours.rolname
      ) AS roles,
      EXISTS (
        SELECT FROM pg_roles tenant
        WHERE tenant.rolname = 'arcadia_tenant' AND pg_has_role(current_user, tenant.oid, 'SET')
      ) AS "canBecomeTenant"
    FROM pg_roles WHERE rolname = current_user
  `);
  return { ...facts, excessRights: excessRights(await readRights(db, facts.name), facts.roles) };
}

/** Returns whether the connected role may read all of a table. */
export function mayRead(db: Queryable, table: string): Promise<boolean> {
  return db.oneFirst(sql.type(z.object({ may: z.boolean() }))`
    SELECT has_table_privilege(${`public.${table}`}, 'SELECT') AS may
  `);
}

const heldRight = z.object({
  table: z.string(),
  verb: z.enum(VERBS),
  isWhole: z.boolean(),
  columns: z.array(z.string()),
});

/** Returns the rights that a role has, granted directly, by membership or to PUBLIC, by table and verb. */
export async function readRights(db: Queryable, role: string): Promise<readonly HeldRight[]> {
  const rows = await db.any(sql.type(heldRight)`
    SELECT c.relname::text AS "table", verb, has_table_privilege(${role}, c.oid, verb) AS "isWhole",
      ARRAY(
        SELECT a.attname::text FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          -- Only these can also be granted by column.
          AND CASE WHEN verb IN ('SELECT', 'INSERT', 'UPDATE')
            THEN has_column_privilege(${role}, c.oid, a.attnum, verb) END
        ORDER BY a.attname
      ) AS columns
    FROM pg_class c, unnest(${textArray(VERBS)}) AS verb
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
    ORDER BY c.relname, verb
  `);
  return rows.flatMap(({ table, verb, isWhole, columns }) =>
    isWhole || columns.length > 0
      ? { table, verb, columns: isWhole ? ('*' as const) : columns }
      : [],
  );
}
