import { Alert, List, Stack, Text } from '@mantine/core';
import type { DlqDryRun, DlqOperationKind, DlqTrial } from '@tributary/shared/dlq.ts';
import { formatNumber } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useReasonName } from '../../ui/error-class.tsx';
import { useFailureMessage } from '../../ui/failure-message.ts';
import { deadLetterTexts } from './texts.ts';

/** What an operation would do: to how many entries, and how many of them would succeed. */
export function Preview({ kind, counted: { count, trial } }: { kind: DlqOperationKind; counted: DlqDryRun }) {
  const t = useTexts(deadLetterTexts);
  return (
    <Stack gap="sm">
      <Text size="sm">{count === 0 ? t('nothingToDo') : t(`${kind}Body`, { count })}</Text>
      {trial && <Trial trial={trial} count={count} />}
    </Stack>
  );
}

function Trial({ trial: { tried, succeeded, failures }, count }: { trial: DlqTrial; count: number }) {
  const t = useTexts(deadLetterTexts);
  const language = useLanguage();
  const nameOf = useReasonName();
  const failureMessage = useFailureMessage();
  const n = (value: number) => formatNumber(value, language);
  const color = succeeded === tried ? 'teal' : succeeded === 0 ? 'red' : 'orange';
  const values = { count: tried, tried: n(tried), succeeded: n(succeeded), total: n(count) };
  return (
    <Alert color={color} role="note" title={t(succeeded === 0 ? 'trialNone' : 'trialSome', values)}>
      <Stack gap={6}>
        <Text size="sm">{t(tried === count ? 'trialOfAll' : 'trialOfSome', values)}</Text>
        {failures.length > 0 && (
          <List size="sm" withPadding={false}>
            {failures.map(({ reason, count: times, message }) => (
              <List.Item key={reason}>
                {t('failedBecause', { times: n(times), reason: nameOf(reason) })}
                {message !== null && (
                  <Text size="xs" c="dimmed" className="break isolated">
                    {failureMessage(reason, message)}
                  </Text>
                )}
              </List.Item>
            ))}
          </List>
        )}
      </Stack>
    </Alert>
  );
}
