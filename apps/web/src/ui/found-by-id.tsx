import { Alert, Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { FoundById as Found } from '@tributary/shared/events.ts';
import { foundById, mayBeId } from '../lib/find-by-id.ts';
import { useTexts } from '../lib/i18n.ts';
import { useOrg } from '../lib/orgs.ts';
import { useClassName } from './error-class.tsx';
import { AnchorLink } from './links.tsx';
import { uiTexts } from './texts.ts';
import { Time } from './values.tsx';

/** Links to everything that the searched text names as an id, of any age and outside of the filters. Shows nothing while there is nothing. */
export function FoundById({ text }: { text: string | undefined }) {
  const t = useTexts(uiTexts);
  const org = useOrg();
  const found = useQuery({ ...foundById(org.id, text ?? ''), enabled: text !== undefined && mayBeId(text) });
  if (text === undefined || !found.data || found.data.length === 0) return null;
  return (
    <Alert color="blue" role="status" title={t('foundById')}>
      <Stack gap={4}>
        {found.data.map((one) => (
          <Group key={`${one.kind} ${one.id}`} gap={8}>
            <FoundLink one={one} />
            <Text size="xs" c="dimmed">
              <Time at={one.at} exact />
            </Text>
          </Group>
        ))}
      </Stack>
    </Alert>
  );
}

function FoundLink({ one: { kind, id, label } }: { one: Found[number] }) {
  const t = useTexts(uiTexts);
  const className = useClassName();
  const params = { org: useOrg().slug };
  const text = `${t(`found_${kind}`)}: ${kind === 'dead_letter' ? className(label) : label}`;
  const common = { size: 'sm', className: 'break isolated' } as const;
  switch (kind) {
    case 'event':
      return (
        <AnchorLink {...common} to="/o/$org/events" params={params} search={{ event: id }}>
          {text}
        </AnchorLink>
      );
    case 'dead_letter':
      return (
        <AnchorLink {...common} to="/o/$org/dead-letters" params={params} search={{ tab: 'entries', entry: id }}>
          {text}
        </AnchorLink>
      );
    case 'connection':
      return (
        <AnchorLink {...common} to="/o/$org/connections/$connectionId" params={{ ...params, connectionId: id }} search={{}}>
          {text}
        </AnchorLink>
      );
    case 'plan':
      return (
        <AnchorLink {...common} to="/o/$org/replays" params={params} search={{ plan: id }}>
          {text}
        </AnchorLink>
      );
    case 'incident':
      return (
        <AnchorLink {...common} to="/o/$org/alerts" params={params} search={{ incident: id }}>
          {text}
        </AnchorLink>
      );
    case 'operation':
      return (
        <AnchorLink {...common} to="/o/$org/dead-letters" params={params} search={{ tab: 'operations' }}>
          {text}
        </AnchorLink>
      );
    case 'delivery':
      return <Text size="sm">{t('found_delivery')}</Text>;
  }
}
