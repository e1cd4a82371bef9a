import { Badge, Button, Checkbox, Group, Stack, Table, UnstyledButton } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import type { OrgForOperator } from '@tributary/shared/operators.ts';
import { useState } from 'react';
import { formatNumber } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOperatorToken } from '../../lib/operator-token.ts';
import { useOrg } from '../../lib/orgs.ts';
import { ButtonLink } from '../../ui/links.tsx';
import { LockButton, OperatorGate } from '../../ui/operator-gate.tsx';
import { Page } from '../../ui/page.tsx';
import { SearchBox } from '../../ui/search-box.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { OrgPanel } from './org-panel.tsx';
import { checkToken, orgsOfInstallation } from './queries.ts';
import { installationTexts } from './texts.ts';

/** For operators of the installation: every org with what it uses, and the acts that cap, suspend and reactivate it. */
export function Installation() {
  const t = useTexts(installationTexts);
  const org = useOrg();
  const token = useOperatorToken();
  return (
    <Page
      title={t('title')}
      description={t('description')}
      actions={
        <>
          <ButtonLink size="xs" variant="default" to="/o/$org/pipeline" params={{ org: org.slug }}>
            {t('pipeline')}
          </ButtonLink>
          {token !== undefined && <LockButton />}
        </>
      }
    >
      {token === undefined ? <OperatorGate check={checkToken} /> : <Orgs token={token} />}
    </Page>
  );
}

function Orgs({ token }: { token: string }) {
  const t = useTexts(installationTexts);
  const [search, setSearch] = useState<string>();
  const [suspended, setSuspended] = useState(false);
  const [opened, setOpened] = useState<string>();
  const orgs = useInfiniteQuery(orgsOfInstallation(token, search, suspended));
  return (
    <Stack gap="sm">
      <Group gap="sm">
        <SearchBox label={t('search')} value={search} onChange={setSearch} />
        <Checkbox label={t('suspendedOnly')} checked={suspended} onChange={(event) => setSuspended(event.currentTarget.checked)} />
      </Group>
      <Loaded query={orgs} height={400} isEmpty={({ pages }) => pages[0]?.orgs.length === 0} empty={<Empty title={t('none')} />}>
        {({ pages }) => <Rows orgs={pages.flatMap((page) => page.orgs)} onOpen={setOpened} />}
      </Loaded>
      {orgs.hasNextPage && (
        <Button variant="default" size="xs" loading={orgs.isFetchingNextPage} onClick={() => void orgs.fetchNextPage()}>
          {t('more')}
        </Button>
      )}
      {opened && <OrgPanel key={opened} token={token} id={opened} onClose={() => setOpened(undefined)} />}
    </Stack>
  );
}

function Rows({ orgs, onOpen }: { orgs: readonly OrgForOperator[]; onOpen: (id: string) => void }) {
  const t = useTexts(installationTexts);
  const language = useLanguage();
  const figures = ['members', 'connections', 'eventsToday', 'openWork'] as const;
  return (
    <Table.ScrollContainer minWidth={760}>
      <Table aria-label={t('title')} highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">{t('org')}</Table.Th>
            {figures.map((name) => (
              <Table.Th key={name} scope="col" ta="right">
                {t(name)}
              </Table.Th>
            ))}
            <Table.Th scope="col" ta="right">
              {t('stored')}
            </Table.Th>
            <Table.Th scope="col">{t('state')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {orgs.map((org) => (
            <Table.Tr key={org.id}>
              <Table.Td className="break">
                <UnstyledButton c="blue" onClick={() => onOpen(org.id)}>
                  {org.name}
                </UnstyledButton>
              </Table.Td>
              {figures.map((name) => (
                <Table.Td key={name} className="tabular" ta="right">
                  {formatNumber(org[name], language)}
                </Table.Td>
              ))}
              <Table.Td className="tabular" ta="right">
                {formatNumber(org.storedBytes / 1_000_000, language)} MB
              </Table.Td>
              <Table.Td>
                <OrgState org={org} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function OrgState({ org }: { org: OrgForOperator }) {
  const t = useTexts(installationTexts);
  const [text, color] = org.suspendedAt
    ? ([t('suspended'), 'red'] as const)
    : org.exceeded
      ? ([t('exceeded'), 'orange'] as const)
      : ([t('active'), 'teal'] as const);
  return (
    <Badge variant="dot" color={color}>
      {text}
    </Badge>
  );
}
