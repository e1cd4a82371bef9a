import { Alert, Button, Group, Loader, Modal, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useTexts } from '../lib/i18n.ts';
import { uiTexts } from './texts.ts';

/**
 * Asks before something destructive or large: first how many it would touch, then a button that names the number.
 * `preview` counts (a dry run); `onConfirm` does it and may throw, which is shown here.
 */
export function ConfirmCount({
  opened,
  onClose,
  title,
  body,
  preview,
  confirmLabel,
  danger = false,
  onConfirm,
}: {
  opened: boolean;
  onClose: () => void;
  title: string;
  body: (count: number) => ReactNode;
  preview: () => Promise<number>;
  confirmLabel: (count: number) => string;
  danger?: boolean;
  onConfirm: () => Promise<void>;
}) {
  const t = useTexts(uiTexts);
  const count = useQuery({ queryKey: ['confirm', title], queryFn: preview, enabled: opened, gcTime: 0, staleTime: 0, retry: false });
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const close = () => {
    setError(undefined);
    onClose();
  };
  async function confirm() {
    setBusy(true);
    setError(undefined);
    try {
      await onConfirm();
      close();
    } catch (cause) {
      setError(cause instanceof Error ? cause.message : String(cause));
    } finally {
      setBusy(false);
    }
  }
  const failure = error ?? (count.error instanceof Error ? count.error.message : undefined);
  return (
    <Modal opened={opened} onClose={close} title={title} closeButtonProps={{ 'aria-label': t('close') }}>
      <Stack>
        {count.isPending ? (
          <Loader size="sm" aria-label={t('loading')} />
        ) : (
          count.data !== undefined && <Text size="sm">{body(count.data)}</Text>
        )}
        {failure && (
          <Alert color="red" role="alert">
            {failure}
          </Alert>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {t('cancel')}
          </Button>
          <Button {...(danger ? { color: 'red' } : {})} loading={busy} disabled={!count.data} onClick={() => void confirm()}>
            {confirmLabel(count.data ?? 0)}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
