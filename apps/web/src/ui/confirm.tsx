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
  /** What will happen, in a sentence that names the number. */
  children: (preview: Preview) => ReactNode;
  /** The button's words, which name the number too. */
  confirm: (preview: Preview) => string;
  danger?: boolean;
  onConfirm: (preview: Preview) => Promise<unknown>;
}

/**
 * The way into every destructive or bulk action: counts first what it would touch (`preview`, asked anew each time it opens), names the
 * number, and only then can be confirmed. With a count of 0 there is nothing to confirm. Stays open, with the reason, when the action fails.
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
      {/* Inside the modal, and another one for another command: a count that was made for something else must not be there to press. */}
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
                {...(danger ? { color: 'red' } : {})}
                loading={run.isPending}
                disabled={counted.isFetching}
                onClick={() => {
                  // Told only to the dialog that asked: by then it may be closed, and open for something else.
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
