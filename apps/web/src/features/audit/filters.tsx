import { Group, Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { useTexts } from '../../lib/i18n.ts';
import { useNavigateWithin } from '../../lib/navigate.ts';
import { useOrg } from '../../lib/orgs.ts';
import { orgPeople } from '../../lib/people.ts';
import { type Range, ranges } from '../../lib/search.ts';
import { uiTexts } from '../../ui/texts.ts';
import { auditActions, auditSubjects } from './actions.ts';
import { auditTexts } from './texts.ts';

const width = { base: '100%', xs: 240 };

/** The filters person, action and time range, all kept in the URL. */
export function AuditFilters() {
  const t = useTexts(auditTexts);
  const ui = useTexts(uiTexts);
  const { actor, action, range } = useSearch({ from: '/signed-in/o/$org/settings' });
  const navigate = useNavigateWithin({ from: '/o/$org/settings' });
  const people = useQuery(orgPeople(useOrg().id));
  const put = (change: { actor?: string | undefined; action?: string | undefined; range?: Range | undefined }) =>
    void navigate({ search: (old) => ({ ...old, ...change }) as typeof old, replace: true });
  const persons = (people.data ?? []).map((person) => ({
    value: person.userId,
    label: person.role === null ? `${person.email} (${t('former')})` : person.email,
  }));
  const actors = [...persons, { value: 'system', label: t('system') }];
  return (
    <Group gap="xs" mb="sm">
      <Select
        size="xs"
        w={width}
        clearable
        searchable
        aria-label={t('person')}
        placeholder={t('anyone')}
        data={withUnknown(actors, actor)}
        value={actor ?? null}
        onChange={(next) => put({ actor: next ?? undefined })}
      />
      <Select
        size="xs"
        w={width}
        clearable
        searchable
        aria-label={t('action')}
        placeholder={t('anything')}
        data={withUnknown(
          auditSubjects.flatMap((subject) => {
            const commands = auditActions[subject].map((command) => ({
              value: `${subject}.${command}`,
              label: `${t(subject)}: ${t(command)}`,
            }));
            return commands.length === 1 ? commands : [{ value: subject as string, label: `${t(subject)}: ${t('every')}` }, ...commands];
          }),
          action,
        )}
        value={action ?? null}
        onChange={(next) => put({ action: next ?? undefined })}
      />
      <Select
        size="xs"
        w={{ base: '100%', xs: 150 }}
        clearable
        aria-label={ui('range')}
        placeholder={t('anyTime')}
        data={ranges.map((value) => ({ value, label: ui(`range${value}`) }))}
        value={range ?? null}
        onChange={(next) => put({ range: (next as Range | null) ?? undefined })}
      />
    </Group>
  );
}

/** Adds a value of the URL that is not among the choices, so that the reader sees it and can remove it. */
function withUnknown(choices: { value: string; label: string }[], value: string | undefined) {
  return value === undefined || choices.some((choice) => choice.value === value) ? choices : [...choices, { value, label: value }];
}
