import { Modal } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTexts } from '../lib/i18n.ts';
import { uiTexts } from './texts.ts';

/**
 * A dialog that shows a secret once, and forgets it when it closes. A click beside the dialog does not close it, and nothing closes it
 * while the secret is being made (`isPending`), because the secret could not be shown again.
 */
export function SecretModal({
  title,
  isPending = false,
  onClose,
  children,
}: {
  title: string;
  isPending?: boolean;
  onClose: () => void;
  children: ReactNode;
}) {
  const t = useTexts(uiTexts);
  return (
    <Modal
      opened
      onClose={() => {
        if (!isPending) onClose();
      }}
      title={title}
      closeOnClickOutside={false}
      closeOnEscape={!isPending}
      closeButtonProps={{ 'aria-label': t('close'), disabled: isPending }}
    >
      {children}
    </Modal>
  );
}
