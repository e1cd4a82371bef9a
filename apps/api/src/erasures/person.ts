import { erasureAad, open, seal } from '@tributary/pipeline/crypto/seal.ts';
import { hashPerson, type Person } from '@tributary/pipeline/privacy/person.ts';
import { Refusal } from '../platform/refusal.ts';
import type { OrgKeys } from '../tenancy/org-keys.ts';
import type { SubjectProbe } from './store.ts';

/** Who is to be erased, as it is kept until that is done: it opens only as this erasure of this org. */
export function sealPerson(keys: OrgKeys, orgId: string, id: string, person: Person): { keyVersion: number; sealed: Uint8Array } {
  return { keyVersion: keys.dataKey.version, sealed: seal(keys.dataKey.key, JSON.stringify(person), erasureAad(orgId, id)) };
}

/** Throws when the key is missing, SealError when it was tampered with. */
export function openPerson(keys: OrgKeys, sealed: { org_id: string; id: string; key_version: number; sealed: Uint8Array }): Person {
  const key = keys.data.get(sealed.key_version);
  if (!key) throw new Error(`data key ${sealed.key_version} of org ${sealed.org_id} is missing`);
  return JSON.parse(new TextDecoder().decode(open(key, sealed.sealed, erasureAad(sealed.org_id, sealed.id)))) as Person;
}

/** Throws Refusal `conflict` when a version of the hash key does not open: what was hashed with it would be passed over. */
export function probesOf(keys: OrgKeys, person: Person): SubjectProbe[] {
  if (keys.lostHash.length > 0) {
    const versions = keys.lostHash.map((version) => `v${version}`).join(', ');
    throw new Refusal(
      'conflict',
      `events hashed with hash key ${versions} cannot be found: it does not open with the MASTER_KEY of this server`,
    );
  }
  return [...keys.hash.values()].flatMap((key) => hashPerson(person, key).map(({ kind, hash }) => ({ [kind]: hash })));
}
