import { type CSSVariablesResolver, createTheme, MantineProvider } from '@mantine/core';
import { ModalsProvider } from '@mantine/modals';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTexts } from '../lib/i18n.ts';
import { queryClient } from '../lib/query-client.ts';
import { uiTexts } from '../ui/texts.ts';

const theme = createTheme({
  primaryColor: 'cyan',
  primaryShade: 9,
  defaultRadius: 'md',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace',
  autoContrast: true,
  respectReducedMotion: true,
  // Titles of dialogs contain names that people typed, which may be long or written from right to left.
  components: { Modal: { classNames: { title: 'isolated break' } } },
});

/**
 * Gives the contrast of WCAG AA (4.5 : 1), on cards and on the page and in both colour schemes, to colours of the library that are too
 * faint: dimmed text, error texts of fields, text on a tinted ground (which is darker under the pointer), and filled buttons under the
 * pointer.
 */
const contrast: CSSVariablesResolver = (colors) => ({
  variables: { '--mantine-primary-color-filled-hover': `color-mix(in srgb, ${colors.colors.cyan[9]}, black 12%)` },
  light: {
    '--mantine-color-dimmed': colors.colors.gray[7],
    '--mantine-color-error': colors.colors.red[9],
    '--mantine-color-cyan-light-color': '#085160',
    '--mantine-color-red-light-color': '#9a1c1c',
    '--mantine-color-teal-light-color': '#065c42',
    '--mantine-color-orange-light-color': '#8f2f0a',
  },
  dark: { '--mantine-color-dimmed': colors.colors.dark[1], '--mantine-color-error': colors.colors.red[4] },
});

export function Providers({ children }: { children: ReactNode }) {
  const t = useTexts(uiTexts);
  // The close button of a notification has no text, so it needs a label, wherever the notification comes from.
  const Notification = { defaultProps: { closeButtonProps: { 'aria-label': t('close') } } };
  return (
    <MantineProvider
      theme={{ ...theme, components: { ...theme.components, Notification } }}
      cssVariablesResolver={contrast}
      defaultColorScheme="auto"
    >
      <QueryClientProvider client={queryClient}>
        <ModalsProvider>
          <Notifications position="bottom-right" />
          {children}
        </ModalsProvider>
      </QueryClientProvider>
    </MantineProvider>
  );
}
