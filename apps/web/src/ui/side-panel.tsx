import { ActionIcon, Box, Drawer, Group, Paper, Title, Tooltip } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { IconX } from '@tabler/icons-react';
import { type ReactNode, useEffect, useRef } from 'react';
import { useTexts } from '../lib/i18n.ts';
import { useEscape } from './escape.ts';
import { uiTexts } from './texts.ts';

const width = 'min(560px, 55vw)';

/**
 * Shows what a row of a list opens: beside the list, which stays usable, or over it where the window is narrow. Escape closes the panel and
 * returns the focus to the element that opened it. `actions` are shown beside the title.
 */
export function SidePanel({
  title,
  actions,
  onClose,
  children,
}: {
  title: string;
  actions?: ReactNode;
  onClose: () => void;
  children: ReactNode;
}) {
  const beside = useMediaQuery('(min-width: 62em)', undefined, { getInitialValueInEffect: false });
  if (beside) {
    return (
      <Aside title={title} actions={actions} onClose={onClose}>
        {children}
      </Aside>
    );
  }
  return (
    <PanelDrawer opened title={title} actions={actions} onClose={onClose} size="100%" isInstant>
      {children}
    </PanelDrawer>
  );
}

/** A panel over the right side of the page, which cannot be used meanwhile. */
export function PanelDrawer({
  opened,
  title,
  actions,
  onClose,
  size,
  isInstant = false,
  children,
}: {
  opened: boolean;
  title: string;
  actions?: ReactNode;
  onClose: () => void;
  size: number | string;
  isInstant?: boolean;
  children: ReactNode;
}) {
  const t = useTexts(uiTexts);
  const panel = useRef<HTMLDivElement>(null);
  useEscape(panel, onClose, opened);
  return (
    <Drawer.Root
      opened={opened}
      onClose={onClose}
      position="right"
      size={size}
      closeOnEscape={false}
      {...(isInstant && { transitionProps: { duration: 0 } })}
    >
      <Drawer.Overlay />
      <Drawer.Content ref={panel}>
        <Drawer.Header>
          <Drawer.Title className="isolated break" fw={600}>
            {title}
          </Drawer.Title>
          <Group gap={4} ml="auto" wrap="nowrap">
            {actions}
            <Drawer.CloseButton aria-label={t('close')} />
          </Group>
        </Drawer.Header>
        <Drawer.Body>{children}</Drawer.Body>
      </Drawer.Content>
    </Drawer.Root>
  );
}

function Aside({ title, actions, onClose, children }: { title: string; actions: ReactNode; onClose: () => void; children: ReactNode }) {
  const t = useTexts(uiTexts);
  const panel = useRef<HTMLElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    panel.current?.focus({ preventScroll: true });
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  useEscape(panel, onClose);
  return (
    <Paper
      component="aside"
      ref={panel}
      tabIndex={-1}
      aria-label={title}
      withBorder
      radius={0}
      shadow="lg"
      pos="fixed"
      top="var(--app-shell-header-height, 0px)"
      right={0}
      bottom={0}
      w={width}
      style={{ zIndex: 150, display: 'flex', flexDirection: 'column', outline: 'none' }}
    >
      <Group
        gap={4}
        px="md"
        py="xs"
        wrap="nowrap"
        justify="space-between"
        style={{ borderBottom: '1px solid var(--mantine-color-default-border)' }}
      >
        <Title order={2} size="h5" className="isolated break" lineClamp={2}>
          {title}
        </Title>
        <Group gap={4} wrap="nowrap">
          {actions}
          <Tooltip label={`${t('close')} (Esc)`}>
            <ActionIcon variant="subtle" color="gray" onClick={onClose} aria-label={t('close')}>
              <IconX size={18} />
            </ActionIcon>
          </Tooltip>
        </Group>
      </Group>
      <Box p="md" flex={1} style={{ overflowY: 'auto' }}>
        {children}
      </Box>
    </Paper>
  );
}
