import { Badge, Button, Group, Modal, Stack, Table, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ErasePerson, Erasure, ErasureDryRun } from '@tributary/shared/erasures.ts';
import { useState } from 'react';
import { ApiError, api } from '../../lib/api.ts';
import { formatDateTime, formatNumber } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { live } from '../../ui/live.tsx';
import { Section } from '../../ui/page.tsx';
import { Refused } from '../../ui/refused.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { uiTexts } from '../../ui/texts.ts';
import { Time } from '../../ui/values.tsx';
import { erasures, invalidateErasures } from './queries.ts';
import { erasureTexts } from './texts.ts';

const fields = ['email', 'phone', 'document', 'externalId'] as const;
type Typed = Record<(typeof fields)[number] | 'reference', string>;
const nothing: Typed = { email: '', phone: '', document: '', externalId: '', reference: '' };
const texts = { email: 'email', phone: 'phone', document: 'document', externalId: 'external_id' } as const;

/** Who asked to be forgotten: how they were named, how far it came, and what was erased. Never who it was. */
export function Erasures() {
  const t = useTexts(erasureTexts);
  const language = useLanguage();
  const org = useOrg();
  const query = useQuery({ ...erasures(org.id), ...live(5_000) });
  const [asking, setAsking] = useState(false);
  return (
    <Section title={t('erasures')}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {t('erasuresHint')}
        </Text>
        <AdminOnly>
          <Group>
            <Button size="xs" variant="default" onClick={() => setAsking(true)}>
              {t('erase')}
            </Button>
          </Group>
        </AdminOnly>
        <Loaded query={query} height={130} isEmpty={(rows) => rows.length === 0} empty={<Empty title={t('noErasure')} />}>
          {(rows) => (
            <Table.ScrollContainer minWidth={560}>
              <Table aria-label={t('erasures')}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th scope="col">{t('asked')}</Table.Th>
                    <Table.Th scope="col">{t('namedBy')}</Table.Th>
                    <Table.Th scope="col">{t('erased')}</Table.Th>
                    <Table.Th scope="col">{t('state')}</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {rows.map((one) => (
                    <Table.Tr key={one.id}>
                      <Table.Td>
                        <Time at={one.createdAt} />
                      </Table.Td>
                      <Table.Td>
                        {one.kinds.map((kind) => t(kind)).join(', ')}
                        {one.reference && (
                          <Text size="xs" c="dimmed" className="break isolated">
                            {one.reference}
                          </Text>
                        )}
                      </Table.Td>
                      <Table.Td className="tabular">
                        {t('erasedCounts', {
                          events: formatNumber(one.events, language),
                          deliveries: formatNumber(one.deliveries, language),
                          deadLetters: formatNumber(one.deadLetters, language),
                        })}
                        {one.unreadable > 0 && (
                          <Text size="xs" c="orange">
                            {t('unreadable', { count: one.unreadable })}
                          </Text>
                        )}
                      </Table.Td>
                      <Table.Td>
                        <Progress erasure={one} />
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
          )}
        </Loaded>
      </Stack>
      {asking && <Erase onClose={() => setAsking(false)} />}
    </Section>
  );
}

function Progress({ erasure }: { erasure: Erasure }) {
  const t = useTexts(erasureTexts);
  const language = useLanguage();
  if (erasure.status === 'completed')
    return (
      <>
        <Badge variant="dot" color="teal">
          {t('completed')}
        </Badge>
        <Text size="xs" c="dimmed">
          <Time at={erasure.completedAt} />
        </Text>
      </>
    );
  if (erasure.waitsFor !== null)
    return (
      <>
        <Badge variant="dot" color="orange">
          {t('waits')}
        </Badge>
        <Text size="xs" className="break isolated">
          {erasure.waitsFor}
        </Text>
      </>
    );
  return (
    <>
      <Badge variant="dot" color="blue">
        {t('working')}
      </Badge>
      <Text size="xs" c="dimmed">
        {t('looked', { count: erasure.scanned, scanned: formatNumber(erasure.scanned, language) })}
        {erasure.scannedTo && ` · ${t('until', { time: formatDateTime(erasure.scannedTo, language) })}`}
      </Text>
    </>
  );
}

/** Two steps: by what the person is named, then what that would erase. */
function Erase({ onClose }: { onClose: () => void }) {
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
