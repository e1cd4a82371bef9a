import type { Role } from '../../lib/orgs.ts';
import { read, supabase } from '../../lib/supabase.ts';

/** False: no row was changed, because the member has left or this person may not change them. */
export const changeRole = async (orgId: string, userId: string, role: Role): Promise<boolean> => {
  const rows = supabase().data.from('org_members').update({ role }).eq('org_id', orgId).eq('user_id', userId).select('user_id');
  return (await read(rows)).length > 0;
};

/** False for the same reasons as {@link changeRole}. */
export const removeMember = async (orgId: string, userId: string): Promise<boolean> => {
  const rows = supabase().data.from('org_members').delete().eq('org_id', orgId).eq('user_id', userId).select('user_id');
  return (await read(rows)).length > 0;
};
