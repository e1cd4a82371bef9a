import { Alert, Badge, Button, Card, Group, Progress, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { DlqOperation } from '@tributary/shared/dlq.ts';
import { formatNumber } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useSession } from '../../lib/session.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { useClassName, useReasonName } from '../../ui/error-class.tsx';
import { Time } from '../../ui/values.tsx';
import { cancelOperation, invalidateDeadLetters } from './queries.ts';
import { deadLetterTexts } from './texts.ts';

export const isOpen = ({ status }: DlqOperation) => status === 'queued' || status === 'running';
const colors = { queued: 'gray', running: 'blue', done: 'teal', failed: 'red', canceled: 'gray' } as const;
/** The colour of an operation, in which failures are never drawn as success. */
const colorOf = ({ status, succeeded, failed }: DlqOperation) =>
  status === 'done' && failed > 0 ? (succeeded === 0 ? 'red' : 'orange') : colors[status];

interface OperationProps {
  operation: DlqOperation;
  nameOf: (connectionId: string) => string;
  /** Hides the operation at the top of the page; it stays in the list. */
  onHide?: (() => void) | undefined;
}

/** One redrive, discard, purge or re-verification: its filter, its progress, who started it and when. */
export function Operation({ operation, nameOf, onHide }: OperationProps) {
  const t = useTexts(deadLetterTexts);
  const language = useLanguage();
  const queryClient = useQueryClient();
  const me = useSession()?.user.id;
  const words = useFilterWords(nameOf);
  const cancel = useMutation({
    mutationFn: () => cancelOperation(operation.id),
    onSuccess: () => invalidateDeadLetters(queryClient),
  });
  const { total, succeeded, failed, createdBy } = operation;
  const share = (count: number) => (total > 0 ? (100 * count) / total : 0);
  const n = (count: number) => formatNumber(count, language);
  return (
    <Card withBorder padding="sm" component="section" aria-label={t(`${operation.kind}Title`)}>
      <Group justify="space-between" gap="xs" align="flex-start">
        <div style={{ minWidth: 0, flex: '1 1 240px' }}>
          <Group gap={8}>
            <Text fw={600} size="sm">
              {t(`${operation.kind}Title`)}
            </Text>
            <Badge variant="dot" size="sm" color={colorOf(operation)} tt="none">
              {t(operation.status === 'done' && failed > 0 ? 'doneWithFailures' : operation.status)}
            </Badge>
          </Group>
          <Text size="xs" c="dimmed" className="break isolated">
            {words(operation.filter)}
          </Text>
          <Text size="xs" c="dimmed" className="break">
            <Time at={operation.createdAt} />
            {createdBy && ` ${createdBy === me ? t('byYou') : t('by', { who: `${createdBy.slice(0, 8)}…` })}`}
          </Text>
        </div>
        <Group gap={6}>
          {isOpen(operation) && (
            <AdminOnly short>
              <Button size="compact-sm" variant="default" loading={cancel.isPending} onClick={() => cancel.mutate()}>
                {t('cancelOperation')}
              </Button>
            </AdminOnly>
          )}
          {onHide && !isOpen(operation) && (
            <Button size="compact-sm" variant="subtle" color="gray" onClick={onHide}>
              {t('dismiss')}
            </Button>
          )}
        </Group>
      </Group>
      <Progress.Root size="md" mt={8}>
        <Progress.Section value={share(succeeded)} color="teal.7" aria-label={t('succeeded', { count: n(succeeded) })} />
        <Progress.Section
          value={share(failed)}
          color={succeeded === 0 ? 'red.7' : 'orange.7'}
          aria-label={t('stillFailing', { count: n(failed) })}
        />
      </Progress.Root>
      <Outcome operation={operation} />
      {(operation.error ?? cancel.error?.message) && (
        <Alert color="red" role="alert" mt={6} p="xs">
          <Text size="sm" className="break">
            {operation.error ?? cancel.error?.message}
          </Text>
        </Alert>
      )}
    </Card>
  );
}

/** The progress in words, with successes and failures apart, and at the end the result and the reasons of the failures. */
function Outcome({ operation }: { operation: DlqOperation }) {
  const t = useTexts(deadLetterTexts);
  const language = useLanguage();
  const nameOf = useReasonName();
  const { kind, total, done, succeeded, failed, failures } = operation;
  const n = (count: number) => formatNumber(count, language);
  const isRun = kind === 'redrive' || kind === 'reverify';
  const progress = `${t('progress', { done: n(done), total: n(total) })} · ${t('succeeded', { count: n(succeeded) })}`;
  const reasons = failures.map(({ reason, count }) => `${nameOf(reason)} (${n(count)})`).join(', ');
  return (
    <Text size="xs" mt={4} className="tabular" role="status">
      {isRun && !isOpen(operation) ? t('became', { succeeded: n(succeeded), done: n(done) }) : progress}
      {failed > 0 && ` · ${t('stillFailing', { count: n(failed) })}${reasons && `: ${reasons}`}`}
    </Text>
  );
}

export function Operations({ operations, nameOf }: { operations: readonly DlqOperation[]; nameOf: (connectionId: string) => string }) {
  const t = useTexts(deadLetterTexts);
  return (
    <Stack gap="sm">
      <Text size="xs" c="dimmed">
        {t('newestOperations')}
      </Text>
      {operations.map((operation) => (
        <Operation key={operation.id} operation={operation} nameOf={nameOf} />
      ))}
    </Stack>
  );
}

/** Describes the filter of an operation in words. */
function useFilterWords(nameOf: (connectionId: string) => string) {
  const t = useTexts(deadLetterTexts);
  const className = useClassName();
  const language = useLanguage();
  const show = new Intl.DateTimeFormat(language, { dateStyle: 'short', timeStyle: 'short' });
  const at = (iso: string | undefined) => (iso === undefined ? '…' : show.format(new Date(iso)));
  return ({ classes, connectionIds, statuses, sourceEventTypes, from, to, quarantine }: DlqOperation['filter']) =>
    [
      quarantine ? t('quarantine') : undefined,
      classes?.map(className).join(', '),
      connectionIds?.map(nameOf).join(', '),
      sourceEventTypes?.join(', '),
      from || to ? `${at(from)} – ${at(to)}` : undefined,
      statuses?.map((status) => t(status)).join(', '),
    ]
      .filter(Boolean)
      .join(' · ');
}
