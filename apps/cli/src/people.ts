import { z } from 'zod';
import type { Context } from './program.ts';

const Person = z.object({ user_id: z.string(), email: z.string() });

/** The e-mail address of a member, or of a former member for callers who may read the audit log; null for everybody else. */
export type EmailOf = (userId: string | null) => string | null;

/**
 * Reads who the people of an org are, because the API names them by id only. Without an answer everybody is null: a command that was carried out
 * must not look as if it failed because a name cannot be shown.
 */
export async function readPeople({ client }: Context, orgId: string): Promise<EmailOf> {
  const people = await client.data(`/rpc/org_people?org_id=${encodeURIComponent(orgId)}`, z.array(Person)).catch(() => []);
  const emails = new Map(people.map(({ user_id, email }) => [user_id, email]));
  return (userId) => (userId === null ? null : (emails.get(userId) ?? null));
}
