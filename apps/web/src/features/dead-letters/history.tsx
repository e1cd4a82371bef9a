import { List, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { DlqAttempt, DlqEntryDetail } from '@tributary/shared/dlq.ts';
import { useTexts } from '../../lib/i18n.ts';
import { orgPeople } from '../../lib/people.ts';
import { useReasonName } from '../../ui/error-class.tsx';
import { useFailureMessage } from '../../ui/failure-message.ts';
import { Time } from '../../ui/values.tsx';
import { Part } from './entry-part.tsx';
import { deadLetterTexts } from './texts.ts';

/** The last attempts at an entry: when each ended, what or who started it, and its result with the reason. */
export function History({ entry }: { entry: DlqEntryDetail }) {
  const t = useTexts(deadLetterTexts);
  return (
    <Part title={t('history')} hint={t('historyHint')}>
      {entry.history.length === 0 ? (
        <Text size="sm">{t('noAttempts')}</Text>
      ) : (
        <List size="sm" listStyleType="none" spacing={6} withPadding={false}>
          {entry.history.map((attempt) => (
            <List.Item key={attempt.at}>
              <Attempt attempt={attempt} orgId={entry.orgId} />
            </List.Item>
          ))}
        </List>
      )}
    </Part>
  );
}

const colors = { resolved: 'teal', failed: 'red', interrupted: 'orange', discarded: 'dimmed' } as const;

function Attempt({ attempt: { at, by, personId, result, errorClass, message }, orgId }: { attempt: DlqAttempt; orgId: string }) {
  const t = useTexts(deadLetterTexts);
  const reasonName = useReasonName();
  const failureMessage = useFailureMessage();
  const people = useQuery({ ...orgPeople(orgId), enabled: personId !== null });
  const who = people.data?.find(({ userId }) => userId === personId)?.email;
  return (
    <>
      <Text size="sm">
        <Text span inherit fw={600} c={colors[result]}>
          {t(`attempt${result}`)}
        </Text>
        {errorClass !== null && `: ${reasonName(errorClass)}`}
      </Text>
      {message !== null && (
        <Text size="xs" className="break isolated">
          {failureMessage(errorClass, message)}
        </Text>
      )}
      <Text size="xs" c="dimmed" className="break">
        <Time at={at} exact /> · {t(`by${by}`)}
        {who !== undefined && ` · ${who}`}
      </Text>
    </>
  );
}
