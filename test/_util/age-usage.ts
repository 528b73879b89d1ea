import pg from 'pg';

/** Makes all usage that is stored look as if it had come in long ago, which no role may do. */
export async function ageUsage(superuserUrl: string): Promise<void> {
  const superuser = new pg.Client({ connectionString: superuserUrl });
  await superuser.connect();
  try {
    for (const table of ['llm_usage_events', 'metered_usage_records']) {
      await superuser.query(`ALTER TABLE ${table} DISABLE TRIGGER USER;
        UPDATE ${table} SET received_at = received_at - interval '40 days'
        WHERE received_at > now() - interval '30 days';
        ALTER TABLE ${table} ENABLE TRIGGER USER`);
    }
  } finally {
    await superuser.end();
  }
}
