import { Button, Stack, Text } from '@mantine/core';
import { IconEye } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import type { DlqEntry } from '@tributary/shared/dlq.ts';
import { useTexts } from '../../lib/i18n.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { Failed } from '../../ui/states.tsx';
import { Json } from '../../ui/values.tsx';
import { Part } from './entry-part.tsx';
import { fullDelivery } from './queries.ts';
import { deadLetterTexts } from './texts.ts';

/** The delivery with its personal data: fetched only on a press of the button, and not cached. */
export function FullDelivery({ entry }: { entry: DlqEntry }) {
  const t = useTexts(deadLetterTexts);
  const full = useMutation({ mutationFn: () => fullDelivery(entry), gcTime: 0 });
  return (
    <Part title={t('full')} hint={t('fullHint')}>
      <AdminOnly>
        {full.isError && <Failed error={full.error} onRetry={() => full.mutate()} />}
        {full.isSuccess ? (
          full.data ? (
            <Stack gap={6}>
              <Text size="sm" fw={500}>
                {t('headers')}
              </Text>
              <Json value={full.data.headers} maxHeight={200} />
              <Text size="sm" fw={500}>
                {t('body')}
              </Text>
              <Json value={full.data.body} />
              {full.data.truncated && (
                <Text size="xs" c="dimmed">
                  {t('bodyCut', { size: full.data.byteSize })}
                </Text>
              )}
            </Stack>
          ) : (
            <Text size="sm">{t('fullGone')}</Text>
          )
        ) : (
          <Button
            size="xs"
            variant="default"
            leftSection={<IconEye size={14} aria-hidden />}
            loading={full.isPending}
            onClick={() => full.mutate()}
            style={{ alignSelf: 'flex-start' }}
          >
            {t('showFull')}
          </Button>
        )}
      </AdminOnly>
    </Part>
  );
}
