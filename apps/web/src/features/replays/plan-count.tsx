import { Alert, Card, Group, Loader, Stack, Text } from '@mantine/core';
import { IconGavel } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { ReplayPreview } from '@tributary/shared/replays.ts';
import type { ReactNode } from 'react';
import { ApiError } from '../../lib/api.ts';
import { formatDuration, formatNumber } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { AnchorLink } from '../../ui/links.tsx';
import { Failed } from '../../ui/states.tsx';
import { type NewPlan, replayPreview } from './queries.ts';
import { replayTexts } from './texts.ts';

/**
 * Counts the deliveries of a plan while it is being filled in, and says what may be done with that many. An outdated count is dimmed until
 * the new one arrives, and no plan can be created from it.
 */
export function PlanCount({
  plan,
  isUpToDate,
  children,
}: {
  /** Undefined while the form is not valid. */
  plan: NewPlan | undefined;
  isUpToDate: boolean;
  children: (count: { count: number; shown: string }) => ReactNode;
}) {
  const t = useTexts(replayTexts);
  const language = useLanguage();
  const org = useOrg();
  const nothing: NewPlan = { filter: { from: '', to: '' } };
  const preview = useQuery({ ...replayPreview(org.id, plan ?? nothing), enabled: plan !== undefined });
  const isCurrent = plan !== undefined && isUpToDate && !preview.isPlaceholderData && !preview.isFetching;
  if (plan !== undefined && isUpToDate && preview.isError && !preview.isFetching) {
    return preview.error instanceof ApiError && preview.error.code === 'legal_hold' ? (
      <Held reason={preview.error.message} />
    ) : (
      <Failed error={preview.error} onRetry={() => void preview.refetch()} minHeight={128} />
    );
  }
  const { data } = preview;
  return (
    <Card withBorder mih={128} padding="sm" component="section" aria-label={t('count')} aria-busy={!isCurrent}>
      <Stack gap={6}>
        <Group gap="xs" role="status" mih={28}>
          {data === undefined || plan === undefined ? (
            plan !== undefined && (
              <>
                <Loader size="xs" />
                <Text size="sm">{t('counting')}</Text>
              </>
            )
          ) : (
            <Text fw={600} className="tabular" {...(isCurrent ? {} : { c: 'dimmed' })}>
              {t('countOf', { count: data.count, shown: formatNumber(data.count, language) })}
            </Text>
          )}
          {data !== undefined && !isCurrent && plan !== undefined && <Loader size="xs" role="img" aria-label={t('counting')} />}
        </Group>
        {data !== undefined && <Consequence preview={data} />}
        {isCurrent && data !== undefined && data.count > 0 && children({ count: data.count, shown: formatNumber(data.count, language) })}
      </Stack>
    </Card>
  );
}

function Consequence({ preview: { count, estimatedSeconds, needsSecondApproval } }: { preview: ReplayPreview }) {
  const t = useTexts(replayTexts);
  const language = useLanguage();
  return (
    <Text size="sm" c="dimmed">
      {count === 0
        ? t('countNone')
        : `${t('countTime', { time: formatDuration(estimatedSeconds, language) })} ${t(needsSecondApproval ? 'countSecond' : 'countOwn')}`}
    </Text>
  );
}

function Held({ reason }: { reason: string }) {
  const t = useTexts(replayTexts);
  const org = useOrg();
  return (
    <Alert color="orange" icon={<IconGavel size={18} />} title={t('held')} role="alert" mih={128}>
      <Stack gap={4} align="flex-start">
        <Text size="sm" className="break">
          <bdi>{reason}</bdi>
        </Text>
        <Text size="sm">{t('heldHint')}</Text>
        <AnchorLink to="/o/$org/settings" params={{ org: org.slug }} search={{ tab: 'privacy' }} size="sm">
          {t('heldLink')}
        </AnchorLink>
      </Stack>
    </Alert>
  );
}
