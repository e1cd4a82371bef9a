import { Group, Stack, Text } from '@mantine/core';
import { queryOptions, useQuery } from '@tanstack/react-query';
import { LegalHoldList } from '@tributary/shared/holds.ts';
import { useOrg } from '../../app/org.ts';
import { api } from '../../lib/api.ts';
import { defineTexts, useTexts } from '../../lib/i18n.ts';
import { Section } from '../../ui/page.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { Time } from '../../ui/values.tsx';

const texts = defineTexts('privacy', {
  en: {
    holds: 'Legal holds',
    none: 'No legal hold',
    noneHint: 'A hold keeps replay, purge, erasure and retention away from an org or a connection. It is placed through the API.',
    stands: 'Stands',
    released: 'Released',
  },
  'pt-BR': {
    holds: 'Retenções legais',
    none: 'Nenhuma retenção legal',
    noneHint: 'Uma retenção impede reprocessar, descartar, apagar e expirar dados de uma organização ou conexão. É criada pela API.',
    stands: 'Em vigor',
    released: 'Liberada',
  },
});

const legalHolds = (orgId: string) =>
  queryOptions({
    queryKey: ['legal-holds', orgId],
    queryFn: async () => (await api(LegalHoldList, 'GET', `/api/legal-holds?orgId=${orgId}`)).holds,
  });

export function Privacy() {
  const t = useTexts(texts);
  const query = useQuery(legalHolds(useOrg().id));
  return (
    <Section title={t('holds')}>
      <Loaded query={query} isEmpty={(holds) => holds.length === 0} empty={<Empty title={t('none')} hint={t('noneHint')} />}>
        {(holds) => (
          <Stack gap="xs">
            {holds.map((hold) => (
              <Group key={hold.id} justify="space-between" wrap="nowrap">
                <Text size="sm" className="break">
                  {hold.reason}
                </Text>
                <Group gap="xs" wrap="nowrap">
                  <Text size="sm" fw={500}>
                    {t(hold.releasedAt ? 'released' : 'stands')}
                  </Text>
                  <Text size="sm">
                    <Time at={hold.releasedAt ?? hold.createdAt} />
                  </Text>
                </Group>
              </Group>
            ))}
          </Stack>
        )}
      </Loaded>
    </Section>
  );
}
