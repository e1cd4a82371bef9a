import { Anchor, Button, Group, Stack, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { useTexts } from '../../lib/i18n.ts';
import { useNavigateWithin } from '../../lib/navigate.ts';
import { useOrg } from '../../lib/orgs.ts';
import { WhyNot } from '../../ui/admin-only.tsx';
import { Updated } from '../../ui/live.tsx';
import { Section } from '../../ui/page.tsx';
import { roleTexts } from '../../ui/role-texts.ts';
import { ClearFilters, Empty, Loaded } from '../../ui/states.tsx';
import { uiTexts } from '../../ui/texts.ts';
import { Time } from '../../ui/values.tsx';
import { Chain } from './chain.tsx';
import { AuditFilters } from './filters.tsx';
import { AuditPanel } from './panel.tsx';
import { type AuditEntry, auditEntries } from './queries.ts';
import { auditTexts } from './texts.ts';
import { useSentences } from './use-sentences.ts';

/** The audit log, which only owners and admins can read. */
export function AuditLog() {
  const t = useTexts(auditTexts);
  const roles = useTexts(roleTexts);
  const org = useOrg();
  if (org.canWrite) return <Log />;
  return (
    <Section title={t('title')}>
      <WhyNot text={t('onlyAdmins', { role: roles(org.role) })} />
    </Section>
  );
}

function Log() {
  const t = useTexts(auditTexts);
  const ui = useTexts(uiTexts);
  const { actor, action, range, entry } = useSearch({ from: '/signed-in/o/$org/settings' });
  const navigate = useNavigateWithin({ from: '/o/$org/settings' });
  const query = useInfiniteQuery({
    ...auditEntries(useOrg().id, { actor, action, range }),
    // A reader who has loaded more pages is reading them, so the list is no longer refreshed.
    refetchInterval: ({ state }) => (state.data === undefined || state.data.pages.length === 1 ? 20_000 : false),
  });
  const isFiltered = actor !== undefined || action !== undefined || range !== undefined;
  return (
    <Section
      title={t('title')}
      aside={<Updated at={query.dataUpdatedAt} isFetching={query.isFetching} onRefresh={() => void query.refetch()} />}
    >
      <Text size="sm" c="dimmed" mb="sm">
        {t('hint')}
      </Text>
      <Chain />
      <AuditFilters />
      <Loaded
        query={query}
        height={480}
        isEmpty={({ pages }) => pages[0]?.length === 0}
        empty={
          isFiltered ? (
            <Empty
              title={t('nothingMatches')}
              action={<ClearFilters onClear={() => void navigate({ search: { tab: 'audit' }, replace: true })} />}
            />
          ) : (
            <Empty title={t('nothingYet')} hint={t('nothingYetHint')} />
          )
        }
      >
        {({ pages }) => (
          <>
            <Entries entries={pages.flat()} />
            {query.hasNextPage && (
              <Group justify="center" mt="sm">
                <Button variant="default" size="xs" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                  {ui('more')}
                </Button>
              </Group>
            )}
          </>
        )}
      </Loaded>
      <AuditPanel id={entry} onClose={() => void navigate({ search: ({ entry: _closed, ...others }) => others })} />
    </Section>
  );
}

function Entries({ entries }: { entries: readonly AuditEntry[] }) {
  const t = useTexts(auditTexts);
  const { whoDid, whatWasDone } = useSentences();
  const navigate = useNavigateWithin({ from: '/o/$org/settings' });
  return (
    <Stack gap={0} component="ul" m={0} p={0} aria-label={t('title')} style={{ listStyle: 'none' }}>
      {entries.map((entry) => (
        <Group
          key={entry.id}
          component="li"
          justify="space-between"
          gap="sm"
          py={7}
          style={{ borderTop: '1px solid var(--mantine-color-default-border)' }}
        >
          <Anchor
            component="button"
            type="button"
            size="sm"
            c="inherit"
            ta="start"
            flex="1 1 240px"
            miw={0}
            className="break"
            onClick={() => void navigate({ search: (old) => ({ ...old, entry: String(entry.id) }) })}
          >
            <bdi style={{ fontWeight: 600 }}>{whoDid(entry)}</bdi> <bdi>{whatWasDone(entry)}</bdi>
          </Anchor>
          <Text size="xs" c="dimmed" component="div">
            <Time at={entry.createdAt} />
          </Text>
        </Group>
      ))}
    </Stack>
  );
}
