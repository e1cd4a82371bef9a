import { Button, Group } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { formatDateTime } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import type { EventsSearch } from '../../lib/search.ts';
import { ButtonLink } from '../../ui/links.tsx';
import { ClearFilters, Empty, Loaded } from '../../ui/states.tsx';
import { filterKeys, isFiltered, without } from './filter.ts';
import { latestEventTime } from './queries.ts';
import { eventTexts } from './texts.ts';

const hourMs = 3_600_000;

/** Explains why the list is empty and offers the next step: filters match nothing, the time is empty, or the org has no event yet. */
export function NoEvents({ search, onChange }: { search: EventsSearch; onChange: (search: EventsSearch) => void }) {
  const t = useTexts(eventTexts);
  const language = useLanguage();
  const org = useOrg();
  const latest = useQuery(latestEventTime(org.id));
  if (isFiltered(search)) {
    return (
      <Empty
        title={t('nothingMatches')}
        hint={t('nothingMatchesHint')}
        action={<ClearFilters onClear={() => onChange(without(search, ...filterKeys))} />}
      />
    );
  }
  return (
    <Loaded query={latest} height={160}>
      {(at) =>
        at === null ? (
          <Empty
            title={t('nothingYet')}
            hint={t('nothingYetHint')}
            action={
              <ButtonLink to="/o/$org/connections" params={{ org: org.slug }} size="xs" variant="light">
                {t('toConnections')}
              </ButtonLink>
            }
          />
        ) : (
          <Empty
            title={t('nothingInRange')}
            hint={t('latestAt', { time: formatDateTime(at, language) })}
            action={
              <Group gap="xs">
                <Button
                  size="xs"
                  variant="light"
                  onClick={() => {
                    const ms = Date.parse(at);
                    onChange({
                      ...without(search, 'range'),
                      from: new Date(ms - 24 * hourMs).toISOString(),
                      to: new Date(ms + hourMs).toISOString(),
                    });
                  }}
                >
                  {t('showLatest')}
                </Button>
              </Group>
            }
          />
        )
      }
    </Loaded>
  );
}
