import { ActionIcon, Button, Group, Menu, Stack, Text } from '@mantine/core';
import { IconDots, IconRefresh, IconShieldCheck } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import type { DlqFilter, DlqOperation } from '@tributary/shared/dlq.ts';
import { useState } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { ConfirmCount } from '../../ui/confirm.tsx';
import { countMatching, invalidateDeadLetters, startOperation } from './queries.ts';
import { deadLetterTexts } from './texts.ts';

/**
 * The bulk actions on all entries of a filter. Rejected deliveries can be re-verified, other dead letters redriven; both can be discarded
 * or purged. With `short`, the reason why a person may not is shown as an icon.
 */
export function Commands({
  filter,
  short = false,
  onStarted,
}: {
  filter: DlqFilter;
  short?: boolean;
  onStarted: (operation: DlqOperation) => void;
}) {
  const t = useTexts(deadLetterTexts);
  const queryClient = useQueryClient();
  const [kind, setKind] = useState<DlqOperation['kind']>();
  const main = filter.quarantine ? 'reverify' : 'redrive';
  // The text stays the same while the dialog closes.
  const [shown, setShown] = useState<DlqOperation['kind']>(main);
  const open = (next: DlqOperation['kind']) => {
    setShown(next);
    setKind(next);
  };
  return (
    <AdminOnly short={short}>
      <Group gap={6} wrap="nowrap">
        <Button
          size="xs"
          variant="light"
          leftSection={main === 'reverify' ? <IconShieldCheck size={14} aria-hidden /> : <IconRefresh size={14} aria-hidden />}
          onClick={() => open(main)}
        >
          {t(short && main === 'reverify' ? 'reverifyShort' : main)}
        </Button>
        <Menu position="bottom-end" withinPortal>
          <Menu.Target>
            <ActionIcon variant="default" size={30} aria-label={t('more')}>
              <IconDots size={16} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={() => open('discard')}>{t('discard')}…</Menu.Item>
            <Menu.Item color="red" onClick={() => open('purge')}>
              {t('purge')}…
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </Group>
      <ConfirmCount
        opened={kind !== undefined}
        onClose={() => setKind(undefined)}
        title={t(`${shown}Title`)}
        preview={() => countMatching(shown, filter)}
        count={(count) => count}
        danger={shown === 'purge'}
        confirm={(count) => t(`${shown}Confirm`, { count })}
        onConfirm={async () => {
          onStarted(await startOperation(shown, filter));
          await invalidateDeadLetters(queryClient);
        }}
      >
        {(count) => (
          <Stack gap="xs">
            <Text size="sm">{count === 0 ? t('nothingToDo') : t(`${shown}Body`, { count })}</Text>
          </Stack>
        )}
      </ConfirmCount>
    </AdminOnly>
  );
}
