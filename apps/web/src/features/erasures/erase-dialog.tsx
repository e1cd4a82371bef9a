import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ErasePerson, Erasure, ErasureDryRun } from '@tributary/shared/erasures.ts';
import { useState } from 'react';
import { ApiError, api } from '../../lib/api.ts';
import { formatNumber } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { Refused } from '../../ui/refused.tsx';
import { uiTexts } from '../../ui/texts.ts';
import { invalidateErasures } from './queries.ts';
import { erasureTexts } from './texts.ts';

const fields = ['email', 'phone', 'document', 'externalId'] as const;

type Typed = Record<(typeof fields)[number] | 'reference', string>;

const nothing: Typed = { email: '', phone: '', document: '', externalId: '', reference: '' };

const texts = { email: 'email', phone: 'phone', document: 'document', externalId: 'external_id' } as const;

/** Two steps: the identifiers of the person, then a preview of what would be erased. */
export function EraseDialog({ onClose }: { onClose: () => void }) {
  const t = useTexts(erasureTexts);
  const ui = useTexts(uiTexts);
  const language = useLanguage();
  const org = useOrg();
  const queryClient = useQueryClient();
  const [typed, setTyped] = useState(nothing);
  const command: ErasePerson = {
    orgId: org.id,
    ...Object.fromEntries(Object.entries(typed).flatMap(([key, value]) => (value.trim() === '' ? [] : [[key, value.trim()]]))),
  };
  const preview = useMutation({ mutationFn: () => api(ErasureDryRun, 'POST', '/api/erasures', { ...command, dryRun: true }) });
  const erase = useMutation({
    mutationFn: () => api(Erasure, 'POST', '/api/erasures', command),
    onSuccess: async () => {
      await invalidateErasures(queryClient, org.id);
      notifications.show({ message: t('eraseBegun'), color: 'teal' });
      onClose();
    },
  });
  const failed = erase.error ?? preview.error;
  const errors = failed instanceof ApiError ? failed.fields : {};
  const named = fields.some((field) => typed[field].trim() !== '');
  return (
    <Modal opened onClose={onClose} title={t('erase')} closeButtonProps={{ 'aria-label': ui('close') }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (preview.data) erase.mutate();
          else if (named) preview.mutate();
        }}
      >
        <Stack gap="sm">
          <Refused error={failed} atField={Object.keys(errors).length > 0} />
          {preview.data ? (
            <>
              <Text size="sm">
                {t('erasePreview', { count: preview.data.events, events: formatNumber(preview.data.events, language) })}
              </Text>
              <Text size="sm">{t('eraseBodies')}</Text>
              <Text size="sm" fw={600}>
                {t('eraseFinal')}
              </Text>
            </>
          ) : (
            <>
              <Text size="sm" c="dimmed">
                {t('eraseHow')}
              </Text>
              {fields.map((field, index) => (
                <TextInput
                  key={field}
                  label={t(texts[field])}
                  autoComplete="off"
                  maxLength={320}
                  {...(index === 0 ? { 'data-autofocus': true } : {})}
                  value={typed[field]}
                  onChange={(event) => setTyped({ ...typed, [field]: event.currentTarget.value })}
                  error={errors[field] && t('notOne')}
                />
              ))}
              <TextInput
                label={t('reference')}
                description={t('referenceHint')}
                maxLength={120}
                value={typed.reference}
                onChange={(event) => setTyped({ ...typed, reference: event.currentTarget.value })}
                error={errors.reference}
              />
            </>
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={preview.data ? () => preview.reset() : onClose}>
              {preview.data ? ui('back') : ui('cancel')}
            </Button>
            {preview.data ? (
              <Button type="submit" color="red" loading={erase.isPending}>
                {t('eraseNow', { count: preview.data.events, events: formatNumber(preview.data.events, language) })}
              </Button>
            ) : (
              <Button type="submit" loading={preview.isPending} disabled={!named}>
                {t('lookUp')}
              </Button>
            )}
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
