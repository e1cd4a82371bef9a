import { Modal } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTexts } from '../lib/i18n.ts';
import { uiTexts } from './texts.ts';

/**
 * A dialog that shows a secret once. What closes it forgets the secret: a click beside it does not, and nothing does while what makes the
 * secret is under way (`isPending`), for what was made could no longer be shown to anybody.
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
