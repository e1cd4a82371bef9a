import { Group, SegmentedControl, Stack, Text, Title } from '@mantine/core';
import { useMemo, useState } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { Facts } from '../../ui/facts.tsx';
import { Json } from '../../ui/values.tsx';
import { flatten } from './flatten.ts';
import type { EventDetail } from './queries.ts';
import { eventTexts } from './texts.ts';

/** The platform's own fields beyond the columns, and the attribution to a campaign. */
export function PropertiesTab({ event }: { event: EventDetail }) {
  const t = useTexts(eventTexts);
  return (
    <Stack gap="lg">
      <Values title={t('properties')} none={t('noProperties')} value={event.properties} />
      <Values title={t('attribution')} none={t('noAttribution')} value={event.attribution} />
    </Stack>
  );
}

/** Shown as a table where it is short, and always available as JSON. */
function Values({ title, none, value }: { title: string; none: string; value: unknown }) {
  const t = useTexts(eventTexts);
  const leaves = useMemo(() => flatten(value), [value]);
  const [raw, setRaw] = useState(false);
  return (
    <section aria-label={title}>
      <Group justify="space-between" mb="xs" mih={30}>
        <Title order={3} size="h6">
          {title}
        </Title>
        {leaves && leaves.length > 0 && (
          <SegmentedControl
            size="xs"
            aria-label={t('shownAs', { what: title })}
            value={raw ? 'json' : 'table'}
            data={[
              { value: 'table', label: t('asTable') },
              { value: 'json', label: 'JSON' },
            ]}
            onChange={(next) => setRaw(next === 'json')}
          />
        )}
      </Group>
      {leaves?.length === 0 ? (
        <Text size="sm" c="dimmed">
          {none}
        </Text>
      ) : leaves && !raw ? (
        <Facts label={title} facts={leaves.map(([path, leaf]) => [path, String(leaf)] as const)} />
      ) : (
        <Json value={value} />
      )}
    </section>
  );
}
