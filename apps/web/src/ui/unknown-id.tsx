import { Group, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { foundById } from '../lib/find-by-id.ts';
import { defineTexts, useTexts } from '../lib/i18n.ts';
import { myOrgs, type Org, useOrg } from '../lib/orgs.ts';
import { useSession } from '../lib/session.ts';
import { ButtonLink } from './links.tsx';

const texts = defineTexts('unknown-ids', {
  en: {
    event: 'There is no such event in {{org}}',
    dead_letter: 'There is no such dead letter in {{org}}',
    connection: 'There is no such connection in {{org}}',
    plan: 'There is no such replay plan in {{org}}',
    incident: 'There is no such incident in {{org}}',
    eventHint: 'Its retention may have ended, the person it was about may have been erased, or the link is of another org.',
    dead_letterHint: 'It may have been purged, its retention may have ended, or the link is of another org.',
    connectionHint: 'It may have been deleted, or the link is of another org.',
    planHint: 'Its retention may have ended, or the link is of another org.',
    incidentHint: 'Its retention may have ended, or the link is of another org.',
    eventList: 'See the events',
    dead_letterList: 'See the dead letters',
    connectionList: 'See the connections',
    planList: 'See the replays',
    incidentList: 'See the incidents',
    open: 'Open it in {{org}}',
  },
  'pt-BR': {
    event: 'Este evento não existe em {{org}}',
    dead_letter: 'Esta falha não existe em {{org}}',
    connection: 'Esta conexão não existe em {{org}}',
    plan: 'Este plano de replay não existe em {{org}}',
    incident: 'Este incidente não existe em {{org}}',
    eventHint: 'O prazo de retenção pode ter terminado, a pessoa pode ter sido eliminada, ou o link é de outra organização.',
    dead_letterHint: 'Ela pode ter sido apagada, o prazo de retenção pode ter terminado, ou o link é de outra organização.',
    connectionHint: 'Ela pode ter sido excluída, ou o link é de outra organização.',
    planHint: 'O prazo de retenção pode ter terminado, ou o link é de outra organização.',
    incidentHint: 'O prazo de retenção pode ter terminado, ou o link é de outra organização.',
    eventList: 'Ver os eventos',
    dead_letterList: 'Ver as falhas',
    connectionList: 'Ver as conexões',
    planList: 'Ver os replays',
    incidentList: 'Ver os incidentes',
    open: 'Abrir em {{org}}',
  },
});

type Kind = 'event' | 'dead_letter' | 'connection' | 'plan' | 'incident';

/** The most orgs that are asked for the id. */
const orgsMax = 10;

/** Says what may have happened to the thing whose id is in the address, and leads on: to its list, or to another org of the user that has it. */
export function UnknownId({ kind, id }: { kind: Kind; id: string }) {
  const t = useTexts(texts);
  const org = useOrg();
  const userId = useSession()?.user.id ?? '';
  const orgs = useQuery({ ...myOrgs(userId), enabled: userId !== '' });
  const others = (orgs.data ?? []).filter((one) => one.id !== org.id).slice(0, orgsMax);
  return (
    <Stack align="center" gap="xs" p="lg" mih={240} ta="center" role="alert">
      <Title order={2} size="h4" className="break">
        {t(kind, { org: org.name })}
      </Title>
      <Text size="sm" c="dimmed" maw={460}>
        {t(`${kind}Hint`)}
      </Text>
      <Group mt="xs" justify="center">
        {others.map((one) => (
          <InOrg key={one.id} org={one} kind={kind} id={id} />
        ))}
        <ToList kind={kind} slug={org.slug} />
      </Group>
    </Stack>
  );
}

/** The link to the same thing in another org, where that org has it. */
function InOrg({ org, kind, id }: { org: Org; kind: Kind; id: string }) {
  const t = useTexts(texts);
  const found = useQuery({ ...foundById(org.id, id), retry: false });
  if (!found.data?.some((one) => one.kind === kind && one.id === id.toLowerCase())) return null;
  const params = { org: org.slug };
  const label = t('open', { org: org.name });
  switch (kind) {
    case 'event':
      return (
        <ButtonLink to="/o/$org/events" params={params} search={{ event: id }}>
          {label}
        </ButtonLink>
      );
    case 'dead_letter':
      return (
        <ButtonLink to="/o/$org/dead-letters" params={params} search={{ tab: 'entries', entry: id }}>
          {label}
        </ButtonLink>
      );
    case 'connection':
      return (
        <ButtonLink to="/o/$org/connections/$connectionId" params={{ ...params, connectionId: id }} search={{}}>
          {label}
        </ButtonLink>
      );
    case 'plan':
      return (
        <ButtonLink to="/o/$org/replays" params={params} search={{ plan: id }}>
          {label}
        </ButtonLink>
      );
    case 'incident':
      return (
        <ButtonLink to="/o/$org/alerts" params={params} search={{ incident: id }}>
          {label}
        </ButtonLink>
      );
  }
}

const lists = {
  event: '/o/$org/events',
  dead_letter: '/o/$org/dead-letters',
  connection: '/o/$org/connections',
  plan: '/o/$org/replays',
  incident: '/o/$org/alerts',
} as const;

function ToList({ kind, slug }: { kind: Kind; slug: string }) {
  const t = useTexts(texts);
  return (
    <ButtonLink to={lists[kind]} params={{ org: slug }} search={{}} variant="default">
      {t(`${kind}List`)}
    </ButtonLink>
  );
}
