import { Button, Group, Loader, Modal, Stack, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type ReactNode, useId } from 'react';
import { useTexts } from '../lib/i18n.ts';
import { previewKey } from '../lib/query-keys.ts';
import { Refused } from './refused.tsx';
import { Failed } from './states.tsx';
import { uiTexts } from './texts.ts';

interface CountedCommand<Preview> {
  preview: () => Promise<Preview>;
  count: (preview: Preview) => number;
  /** The effect in a sentence that names the number. */
  children: (preview: Preview) => ReactNode;
  /** The text of the button, which names the number too. */
  confirm: (preview: Preview) => string;
  /** Whether the button is red. */
  danger?: boolean | ((preview: Preview) => boolean);
  onConfirm: (preview: Preview) => Promise<unknown>;
}

/** The confirmation of an action on one thing. When the action fails, the dialog stays open with the reason. */
export function Confirm({
  opened,
  onClose,
  title,
  children,
  confirm,
  danger = false,
  onConfirm,
}: {
  opened: boolean;
  onClose: () => void;
  title: string;
  /** What the action does, in whole sentences. */
  children: ReactNode;
  confirm: string;
  danger?: boolean;
  onConfirm: () => Promise<unknown>;
}) {
  const t = useTexts(uiTexts);
  const run = useMutation({ mutationFn: onConfirm, onSuccess: onClose });
  return (
    <Modal opened={opened} onClose={onClose} title={title} closeButtonProps={{ 'aria-label': t('close') }}>
      <Stack>
        <div>{children}</div>
        <Refused error={run.error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose} data-autofocus>
            {t('cancel')}
          </Button>
          <Button {...(danger ? { color: 'red' } : {})} loading={run.isPending} onClick={() => run.mutate()}>
            {confirm}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

/**
 * The confirmation of every destructive or bulk action. It first counts what the action would change (`preview`, fetched each time it
 * opens), names the number, and only then can be confirmed. With a count of 0 there is nothing to confirm. When the action fails, the
 * dialog stays open with the reason.
 */
export function ConfirmCount<Preview>({
  opened,
  onClose,
  title,
  ...command
}: CountedCommand<Preview> & { opened: boolean; onClose: () => void; title: string }) {
  const t = useTexts(uiTexts);
  return (
    <Modal opened={opened} onClose={onClose} title={title} closeButtonProps={{ 'aria-label': t('close') }}>
      {/* The key makes each command a new component, so that a count made for another command can never be confirmed. */}
      <Counted key={title} onClose={onClose} {...command} />
    </Modal>
  );
}

function Counted<Preview>({
  onClose,
  preview,
  count,
  children,
  confirm,
  danger = false,
  onConfirm,
}: CountedCommand<Preview> & { onClose: () => void }) {
  const t = useTexts(uiTexts);
  const counted = useQuery({ queryKey: previewKey(useId()), queryFn: preview, gcTime: 0, staleTime: 0, retry: false });
  const run = useMutation({ mutationFn: onConfirm });
  return (
    <Stack mih={120}>
      {counted.isError ? (
        <Failed error={counted.error} onRetry={() => void counted.refetch()} />
      ) : counted.data === undefined ? (
        <Group gap="xs" role="status">
          <Loader size="sm" />
          <Text size="sm">{t('counting')}</Text>
        </Group>
      ) : (
        <>
          <div>{children(counted.data)}</div>
          <Refused error={run.error} />
          <Group justify="flex-end" mt="auto">
            <Button variant="default" onClick={onClose}>
              {t('cancel')}
            </Button>
            {count(counted.data) > 0 && (
              <Button
                {...((typeof danger === 'function' ? danger(counted.data) : danger) ? { color: 'red' } : {})}
                loading={run.isPending}
                disabled={counted.isFetching}
                onClick={() => {
                  // Only the dialog that started the action is closed: by then this one may be closed and opened for something else.
                  if (counted.data !== undefined) run.mutate(counted.data, { onSuccess: onClose });
                }}
              >
                {confirm(counted.data)}
              </Button>
            )}
          </Group>
        </>
      )}
    </Stack>
  );
}
