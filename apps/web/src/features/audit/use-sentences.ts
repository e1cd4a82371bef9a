import { useQuery } from '@tanstack/react-query';
import { hasText, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { orgPeople } from '../../lib/people.ts';
import { type AuditEntry, auditedNames } from './queries.ts';
import { sentenceOf } from './sentence.ts';
import { sentenceTexts, wordTexts } from './sentence-texts.ts';
import { auditTexts } from './texts.ts';

/** Entries of the audit log as sentences, with people by e-mail address and objects by name where they are known. */
export function useSentences() {
  const t = useTexts(auditTexts);
  const sentences = useTexts(sentenceTexts);
  const org = useOrg();
  const people = useQuery(orgPeople(org.id));
  const names = useQuery(auditedNames(org.id));
  const emails = new Map(people.data?.map((person) => [person.userId, person.email]));
  const nameOf = (id: string) => emails.get(id) ?? names.data?.get(id) ?? shorten(id);
  const words = useTexts(wordTexts);
  const wordOf = (value: string) => (hasText(wordTexts, value) ? words(value) : value);
  const columnOf = (name: string) => sentences(name as 'name');
  return {
    whoDid: ({ actorId }: AuditEntry) => (actorId === null ? t('system') : nameOf(actorId)),
    whatWasDone: (entry: AuditEntry) => {
      const [key, values = {}] = sentenceOf(entry, nameOf, wordOf);
      // Changed columns are translated; a column without a translation keeps its name in the database.
      return sentences(
        key,
        values.fields === undefined ? values : { ...values, fields: values.fields.split(', ').map(columnOf).join(', ') },
      );
    },
  };
}

const shorten = (id: string) => (id.length === 36 ? `${id.slice(0, 8)}…` : id);
