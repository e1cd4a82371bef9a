import { type Command, Option } from 'commander';
import { z } from 'zod';
import { Failure, UsageError } from './errors.ts';
import { findByName } from './find-by-name.ts';
import type { Context } from './program.ts';

const Org = z.object({ id: z.string(), name: z.string(), slug: z.string() });
export type Org = z.infer<typeof Org>;

const Membership = z.object({ role: z.string(), orgs: Org });
export type Membership = z.infer<typeof Membership>;

export function withOrg(command: Command): Command {
  return command
    .option('--org <org>', 'slug, name or id of the org (TRIBUTARY_ORG); optional for members of a single org')
    .addOption(new Option('--tenant <org>', 'the same as --org').conflicts('org'));
}

/** The orgs of a user, with the user's role in each. */
export function listMemberships({ client }: Context, userId: string): Promise<Membership[]> {
  return client.data(
    `/org_members?select=role,orgs(id,name,slug)&user_id=eq.${encodeURIComponent(userId)}&order=created_at&limit=1000`,
    z.array(Membership),
  );
}

/** The org that a command works on. Throws UsageError when the user has several and named none, Failure when the user cannot see the named one. */
export async function findOrg({ client, target }: Context): Promise<Org> {
  const orgs = await client.data('/orgs?select=id,name,slug&order=name&limit=1000', z.array(Org));
  if (target.org !== undefined) return findByName(orgs, target.org, 'org', (org) => [org.slug, org.name]);
  const [org, another] = orgs;
  if (!org) throw new Failure('This user is not a member of any org.');
  if (another)
    throw new UsageError(`This user is a member of several orgs. Choose one with --org: ${orgs.map(({ slug }) => slug).join(', ')}.`);
  return org;
}
