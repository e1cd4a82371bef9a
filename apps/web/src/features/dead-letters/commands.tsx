import { ActionIcon, Button, Group, Menu } from '@mantine/core';
import { IconDots } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import type { DlqFilter, DlqOperation, DlqOperationKind } from '@tributary/shared/dlq.ts';
import type { Remedy } from '@tributary/shared/errors.ts';
import { useState } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { ConfirmCount } from '../../ui/confirm.tsx';
import { CorrectionLink, isCorrection } from '../../ui/remedy.tsx';
import { Preview } from './preview.tsx';
import { countMatching, invalidateDeadLetters, startOperation } from './queries.ts';
import { deadLetterTexts } from './texts.ts';

interface CommandsProps {
  filter: DlqFilter;
  /** What helps the entries of the filter; undefined when they need different things. */
  remedy: Remedy | undefined;
  /** The connection of all entries, where its cause is corrected. */
  connectionId?: string | undefined;
  short?: boolean;
  onStarted: (operation: DlqOperation) => void;
}

/**
 * The bulk actions on all entries of a filter. The main one fits the cause of the entries: they are run again, their cause is corrected
 * elsewhere, or they are given up; the others are in the menu. With `short`, the reason why a person may not is shown as an icon.
 */
export function Commands({ filter, remedy, connectionId, short = false, onStarted }: CommandsProps) {
  const t = useTexts(deadLetterTexts);
  const queryClient = useQueryClient();
  const [kind, setKind] = useState<DlqOperationKind>();
  const run = filter.quarantine ? 'reverify' : 'redrive';
  const correction = remedy !== undefined && isCorrection(remedy) && connectionId !== undefined ? remedy : undefined;
  const main = remedy === 'discard' ? 'discard' : run;
  // The text stays the same while the dialog closes.
  const [shown, setShown] = useState<DlqOperationKind>(run);
  const open = (next: DlqOperationKind) => {
    setShown(next);
    setKind(next);
  };
  const inMenu = ([run, 'discard', 'purge'] as const).filter((one) => one !== main);
  return (
    <AdminOnly short={short}>
      <Group gap={6}>
        {correction && connectionId && <CorrectionLink remedy={correction} connectionId={connectionId} />}
        <Button size="xs" variant={remedy === undefined || correction ? 'default' : 'light'} onClick={() => open(main)}>
          {t(short && main === 'reverify' ? 'reverifyShort' : main)}
        </Button>
        <Menu position="bottom-end" withinPortal>
          <Menu.Target>
            <ActionIcon variant="default" size={30} aria-label={t('more')}>
              <IconDots size={16} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            {inMenu.map((one) => (
              <Menu.Item key={one} {...(one === 'purge' ? { color: 'red' } : {})} onClick={() => open(one)}>
                {t(one)}…
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      </Group>
      <ConfirmCount
        opened={kind !== undefined}
        onClose={() => setKind(undefined)}
        title={t(`${shown}Title`)}
        preview={() => countMatching(shown, filter)}
        count={({ count }) => count}
        danger={({ trial }) => shown === 'purge' || (trial !== undefined && trial.succeeded === 0)}
        confirm={({ count, trial }) => t(trial?.succeeded === 0 ? 'anywayConfirm' : `${shown}Confirm`, { count })}
        onConfirm={async () => {
          onStarted(await startOperation(shown, filter));
          await invalidateDeadLetters(queryClient);
        }}
      >
        {(counted) => <Preview kind={shown} counted={counted} />}
      </ConfirmCount>
    </AdminOnly>
  );
}
