import { Progress, Table } from '@mantine/core';
import type { Quota } from '@tributary/shared/quotas.ts';
import { formatNumber } from '../lib/format.ts';
import { hasText, useLanguage, useTexts } from '../lib/i18n.ts';
import { quotaTexts } from './quota-texts.ts';

/** Quotas with what is used of them, the most used first. */
export function QuotaTable({ quotas, label }: { quotas: readonly Quota[]; label: string }) {
  const t = useTexts(quotaTexts);
  const language = useLanguage();
  const share = ({ used, value }: Quota) => (value === 0 ? 1 : Math.min(1, used / value));
  return (
    <Table.ScrollContainer minWidth={420} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
      <Table aria-label={label}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">{t('quota')}</Table.Th>
            <Table.Th scope="col" ta="right">
              {t('used')}
            </Table.Th>
            <Table.Th scope="col" ta="right">
              {t('value')}
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {quotas
            .toSorted((a, b) => share(b) - share(a) || a.name.localeCompare(b.name))
            .map((quota) => (
              <Table.Tr key={quota.name}>
                <Table.Th scope="row" fw={400}>
                  {hasText(quotaTexts, quota.name) ? t(quota.name) : quota.name}
                  <Progress
                    value={share(quota) * 100}
                    size="xs"
                    mt={4}
                    color={share(quota) >= 1 ? 'red' : share(quota) >= 0.8 ? 'orange' : 'blue'}
                    aria-hidden
                  />
                </Table.Th>
                <Table.Td className="tabular" ta="right">
                  {formatNumber(quota.used, language)}
                </Table.Td>
                <Table.Td className="tabular" ta="right">
                  {formatNumber(quota.value, language)}
                </Table.Td>
              </Table.Tr>
            ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
