import { sources } from '@tributary/pipeline/sources.ts';
import type { Db } from '../platform/db.ts';

/** Tells the database which secrets each source needs, by which private.connection_verdicts knows a connection that rejects everything. */
export async function writeRequiredSecrets(db: Pick<Db, 'worker'>): Promise<void> {
  const required = [...sources.values()].flatMap((source) =>
    source.secrets.filter((field) => field.required).map(({ name }) => ({ source_type: source.type, name })),
  );
  await db.worker((sql) => sql('select private.set_required_secrets($1)', [JSON.stringify(required)]));
}
