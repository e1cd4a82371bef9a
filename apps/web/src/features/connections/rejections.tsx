import { Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { formatNumber } from '../../lib/format.ts';
import { hasText, useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { live } from '../../ui/live.tsx';
import { Section } from '../../ui/page.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { Time } from '../../ui/values.tsx';
import { rejectionsOfConnection } from './queries.ts';
import { rejectionTexts } from './rejection-texts.ts';

/** Answers with status 503, which the sender repeats: for the people of the org they are one reason. */
const busy = new Set(['overloaded', 'shutting_down', 'database_unavailable', 'circuit_open', 'draining', 'paused', 'internal']);

/** Why deliveries of the connection were rejected in the last seven days, how many, when last, and what to do. */
export function Rejections({ connectionId }: { connectionId: string }) {
  const t = useTexts(rejectionTexts);
  const org = useOrg();
  const rejections = useQuery({ ...rejectionsOfConnection(org.id, connectionId), ...live(15_000) });
  return (
    <Section title={t('title')}>
      <Loaded query={rejections} height={72} isEmpty={(rows) => rows.length === 0} empty={<Empty title={t('none')} />}>
        {(rows) => (
          <Stack gap="sm" component="ul" aria-label={t('title')} m={0} p={0} style={{ listStyle: 'none' }}>
            {rows.map((row) => (
              <Reason key={row.code} {...row} />
            ))}
          </Stack>
        )}
      </Loaded>
    </Section>
  );
}

function Reason({ code, last_day, last_week, last_at }: { code: string; last_day: number; last_week: number; last_at: string }) {
  const t = useTexts(rejectionTexts);
  const language = useLanguage();
  const known = busy.has(code) ? 'busy' : code;
  const isKnown = hasText(rejectionTexts, known) && hasText(rejectionTexts, `${known}Hint`);
  return (
    <Group component="li" justify="space-between" align="flex-start" gap="sm">
      <div style={{ flex: '1 1 18rem', minWidth: 0 }}>
        <Text size="sm" fw={500}>
          {isKnown ? t(known as 'busy') : t('other')}
        </Text>
        <Text size="xs" c="dimmed">
          {isKnown ? t(`${known}Hint` as 'busyHint') : t('otherHint', { code })}
        </Text>
      </div>
      <Text size="xs" c="dimmed" component="div">
        {t('day')}: {formatNumber(last_day, language)} · {t('week')}: {formatNumber(last_week, language)} · {t('last')}:{' '}
        <Time at={last_at} />
      </Text>
    </Group>
  );
}
