import { TagsInput } from '@mantine/core';
import { canonicalTypes, isCanonicalType, sourceTypePattern } from '@tributary/shared/canonical.ts';
import { useState } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { type FilterProps, without } from './filter.ts';
import { eventTexts } from './texts.ts';

export function TypeFilter({ search, onChange, seenTypes }: FilterProps & { seenTypes: readonly string[] }) {
  const t = useTexts(eventTexts);
  const [typed, setTyped] = useState(search.types ?? []);
  const isType = (type: string) => isCanonicalType(type) || sourceTypePattern.test(type);
  const unknown = typed.find((type) => !isType(type));
  const seen = seenTypes.filter((type) => !typed.includes(type)).sort();
  const groups = Map.groupBy(
    Object.keys(canonicalTypes).filter((type) => !seen.includes(type)),
    (type) => type.split('.')[0] ?? '',
  );
  return (
    <TagsInput
      label={t('types')}
      description={t('typesHint')}
      data={[
        ...(seen.length > 0 ? [{ group: t('typesSeen'), items: seen }] : []),
        ...[...groups].map(([group, items]) => ({ group, items })),
      ]}
      value={typed}
      onChange={(chosen) => {
        setTyped(chosen);
        const types = chosen.filter(isType);
        onChange({ ...without(search, 'types'), ...(types.length > 0 ? { types } : {}) }, { replace: search.types !== undefined });
      }}
      acceptValueOnBlur={false}
      // Mantine's scroll area could take the focus, but within a list of options only options may.
      withScrollArea={false}
      styles={{ options: { maxHeight: 260, overflowY: 'auto' } }}
      clearable
      comboboxProps={{ withinPortal: false }}
      error={unknown === undefined ? undefined : t('noSuchType', { type: unknown })}
      data-autofocus
    />
  );
}
