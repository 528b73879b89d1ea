import { z } from 'zod';
import type { Queryable } from './pool.ts';
import { sql } from './sql.ts';

const roleFacts = z.object({
  name: z.string(),
  isSuperuser: z.boolean(),
  /** Whether it owns tables, or is a member of the role that does: it could drop the triggers. */
  isOwner: z.boolean(),
  /** Rights over what is only ever added to, such as `DELETE on invoices`. */
  excessRights: z.array(z.string()),
});
/** What the role that we are connected as could do to the books. */
export type RoleFacts = z.infer<typeof roleFacts>;

/** Works on a database without our tables, too. */
export function readRole(db: Queryable): Promise<RoleFacts> {
  return db.one(sql.type(roleFacts)`
    SELECT current_user::text AS name,
      (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS "isSuperuser",
      EXISTS (
        SELECT FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
          AND pg_has_role(current_user, relowner, 'USAGE')
      ) AS "isOwner",
      ARRAY(
        SELECT verb || ' on ' || kept.name
        FROM unnest(ARRAY['invoices', 'invoice_lines', 'llm_usage_events', 'metered_usage_records',
            'operator_actions'])
            AS kept (name),
          unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) AS verb
        WHERE has_table_privilege(to_regclass('public.' || kept.name), verb)
      ) AS "excessRights"
  `);
}
