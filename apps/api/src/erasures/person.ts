import { orgDigest } from '@tributary/pipeline/crypto/org-digest.ts';
import { erasureAad, open, seal } from '@tributary/pipeline/crypto/seal.ts';
import { hashPerson, type Person, personForms } from '@tributary/pipeline/privacy/person.ts';
import type { OrgKeys } from '../tenancy/org-keys.ts';
import type { SubjectProbe } from './store.ts';

/**
 * Seals the identifiers of the person, which are kept until the erasure is completed. The sealed identifiers open only as this erasure of
 * this org.
 */
export function sealPerson(keys: OrgKeys, orgId: string, id: string, person: Person): { keyVersion: number; sealed: Uint8Array } {
  return { keyVersion: keys.dataKey.version, sealed: seal(keys.dataKey.key, JSON.stringify(person), erasureAad(orgId, id)) };
}

/** Throws when the key is missing, and SealError when the sealed identifiers are damaged or were tampered with. */
export function openPerson(keys: OrgKeys, sealed: { org_id: string; id: string; key_version: number; sealed: Uint8Array }): Person {
  const key = keys.data.get(sealed.key_version);
  if (!key) throw new Error(`data key ${sealed.key_version} of org ${sealed.org_id} is missing`);
  return JSON.parse(new TextDecoder().decode(open(key, sealed.sealed, erasureAad(sealed.org_id, sealed.id)))) as Person;
}

/**
 * A sentence that tells people which versions of the hash key do not open. The erasure waits meanwhile, because events that were hashed with
 * these versions cannot be found. Undefined when every version opens.
 */
export function missingHashKeys(keys: OrgKeys): string | undefined {
  if (keys.lostHash.length === 0) return undefined;
  const versions = keys.lostHash.map((version) => `v${version}`).join(', ');
  return `events hashed with hash key ${versions} cannot be found: it does not open with the MASTER_KEY of this server`;
}

/** What an erasure keeps of the person: a digest of each identifier under the org's digest key. */
export function digestsOf(keys: OrgKeys, person: Person): string[] {
  return personForms(person).map(({ kind, form }) => orgDigest(keys.digestKey, 'person', `${kind}|${form}`));
}

/** The hashes of the person's identifiers under every version of the hash key that opens. Check {@link missingHashKeys} first. */
export function probesOf(keys: OrgKeys, person: Person): SubjectProbe[] {
  return [...keys.hash.values()].flatMap((key) => hashPerson(person, key).map(({ kind, hash }) => ({ [kind]: hash })));
}
