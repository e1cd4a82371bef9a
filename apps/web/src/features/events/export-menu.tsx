import { Button, Group, Popover, Stack, Text } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import type { EventExportFormat } from '@tributary/shared/events.ts';
import { useState } from 'react';
import { formatDateTime } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import type { EventsSearch } from '../../lib/search.ts';
import { Facts } from '../../ui/facts.tsx';
import { Refused } from '../../ui/refused.tsx';
import { filterKeys, timesOf } from './filter.ts';
import { useFilterWords } from './filter-words.ts';
import { exportEvents } from './queries.ts';
import { eventTexts } from './texts.ts';

const formats: readonly EventExportFormat[] = ['csv', 'json', 'ndjson'];

/**
 * Exports every event of the filter as a file and shows first what that covers. The server streams the file and the browser writes it to
 * disk.
 */
export function ExportMenu({
  search,
  connections,
  isEmpty,
}: {
  search: EventsSearch;
  connections: readonly { id: string; name: string }[];
  isEmpty: boolean;
}) {
  const t = useTexts(eventTexts);
  const language = useLanguage();
  const org = useOrg();
  const words = useFilterWords(search, connections);
  const [opened, setOpened] = useState(false);
  const download = useMutation({
    mutationFn: (format: EventExportFormat) => exportEvents(org.id, search, format),
    onSuccess: ({ url }) => window.location.assign(url),
  });
  const { from, to } = timesOf(search, Date.now());
  const time = [
    from === undefined ? '' : t('sinceTime', { time: formatDateTime(from, language) }),
    to === undefined ? '' : t('untilTime', { time: formatDateTime(to, language) }),
  ];
  return (
    <Popover opened={opened} onChange={setOpened} position="bottom-end" width={360} shadow="md" trapFocus returnFocus>
      <Popover.Target>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconDownload size={14} aria-hidden />}
          onClick={() => {
            download.reset();
            setOpened((now) => !now);
          }}
        >
          {t('export')}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={t('export')} maw="94vw">
        <Stack gap="sm">
          <Text size="sm" fw={600}>
            {isEmpty ? t('exportNothing') : t('exportAll')}
          </Text>
          <Facts
            label={t('exportWhat')}
            facts={[
              [t('exportTime'), time.filter((part) => part !== '').join(', ')],
              ...filterKeys.map((key) => [t(key), words[key]] as const),
            ]}
          />
          {!isEmpty && (
            <>
              <Group gap="xs">
                {formats.map((format) => (
                  <Button
                    key={format}
                    size="xs"
                    variant="default"
                    loading={download.isPending && download.variables === format}
                    onClick={() => download.mutate(format)}
                  >
                    {t(`format_${format}`)}
                  </Button>
                ))}
              </Group>
              <Text size="xs" c="dimmed" role="status">
                {download.isSuccess ? t('exportStarted') : t('exportHint')}
              </Text>
            </>
          )}
          <Refused error={download.error} title={t('exportFailed')} />
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
