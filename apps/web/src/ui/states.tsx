import { Alert, Box, Button, Center, Group, Skeleton, Stack, Text, Title } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ApiError, isUnreachable } from '../lib/errors.ts';
import { useTexts } from '../lib/i18n.ts';
import { uiTexts } from './texts.ts';

/**
 * The four states of loaded data: loading (with the height of the data, so that nothing jumps), failed (with a retry and the request id),
 * empty (`empty`), and the data. Data that could not be refreshed stays visible with the error above it, except when the server does not
 * answer, which the layout says once for the whole page.
 */
export function Loaded<T>({
  query,
  height = 160,
  isEmpty,
  empty,
  missing,
  children,
}: {
  query: UseQueryResult<T>;
  height?: number;
  isEmpty?: (data: T) => boolean;
  empty?: ReactNode;
  /** Shown instead of the failure when the server says that there is no such thing. */
  missing?: ReactNode;
  children: (data: T) => ReactNode;
}) {
  const t = useTexts(uiTexts);
  if (missing !== undefined && query.error instanceof ApiError && query.error.code === 'not_found') return missing;
  if (query.data === undefined) {
    if (query.isError) return <Failed error={query.error} onRetry={() => void query.refetch()} minHeight={height} />;
    return <Skeleton height={height} radius="md" role="status" aria-label={t('loading')} />;
  }
  return (
    <>
      {query.isError && !isUnreachable(query.error) && <Failed error={query.error} onRetry={() => void query.refetch()} />}
      {isEmpty?.(query.data) ? empty : children(query.data)}
    </>
  );
}

export function Failed({ error, onRetry, minHeight }: { error: unknown; onRetry: () => void; minHeight?: number }) {
  const t = useTexts(uiTexts);
  const problem = error instanceof ApiError ? error : undefined;
  return (
    <Box {...(minHeight ? { mih: minHeight } : {})}>
      <Alert color="red" icon={<IconAlertTriangle size={18} />} title={t('failed')} role="alert">
        <Stack gap="xs" align="flex-start">
          <Text size="sm">{error instanceof Error ? error.message : String(error)}</Text>
          {problem?.requestId && (
            <Text size="xs" c="dimmed" className="mono">
              {t('requestId', { id: problem.requestId })}
            </Text>
          )}
          <Button size="xs" variant="light" color="red" onClick={onRetry}>
            {t('retry')}
          </Button>
        </Stack>
      </Alert>
    </Box>
  );
}

/** An empty list: nothing yet (with the next step), or nothing that matches (with a button that clears the filters). */
export function Empty({ title, hint, action, icon }: { title: string; hint?: string; action?: ReactNode; icon?: ReactNode }) {
  return (
    <Center mih={160} p="lg">
      <Stack align="center" gap="xs" maw={460} ta="center">
        {icon}
        <Title order={3} size="h5">
          {title}
        </Title>
        {hint && (
          <Text size="sm" c="dimmed">
            {hint}
          </Text>
        )}
        {action && <Group mt="xs">{action}</Group>}
      </Stack>
    </Center>
  );
}

/** The button of a list whose filters match nothing. */
export function ClearFilters({ onClear }: { onClear: () => void }) {
  const t = useTexts(uiTexts);
  return (
    <Button size="xs" variant="light" onClick={onClear}>
      {t('clearFilters')}
    </Button>
  );
}
