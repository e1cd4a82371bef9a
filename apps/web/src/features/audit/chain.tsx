import { Button, Group, Stack, Text } from '@mantine/core';
import { IconDownload, IconShieldCheck } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { AuditExport, type AuditExportFormat, AuditVerdict } from '@tributary/shared/audit.ts';
import { api } from '../../lib/api.ts';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { Refused } from '../../ui/refused.tsx';
import { Copy, Time } from '../../ui/values.tsx';
import { auditTexts } from './texts.ts';

const formats: readonly AuditExportFormat[] = ['ndjson', 'csv'];

/** Exports the log, and verifies the chain of its hashes. */
export function Chain() {
  const t = useTexts(auditTexts);
  const org = useOrg();
  const download = useMutation({
    mutationFn: (format: AuditExportFormat) => api(AuditExport, 'POST', '/api/audit/export', { orgId: org.id, format }),
    onSuccess: ({ url }) => window.location.assign(url),
  });
  const verify = useMutation({ mutationFn: () => verifyAll(org.id) });
  return (
    <Stack gap="xs" mb="sm">
      <Group gap="xs">
        <Button
          size="xs"
          variant="default"
          leftSection={<IconShieldCheck size={14} aria-hidden />}
          loading={verify.isPending}
          onClick={() => verify.mutate()}
        >
          {t('verify')}
        </Button>
        {formats.map((format) => (
          <Button
            key={format}
            size="xs"
            variant="default"
            leftSection={<IconDownload size={14} aria-hidden />}
            loading={download.isPending && download.variables === format}
            onClick={() => download.mutate(format)}
          >
            {t('exportAs', { format: format.toUpperCase() })}
          </Button>
        ))}
      </Group>
      <Refused error={verify.error ?? download.error} />
      {verify.data && <Verdict verdict={verify.data} />}
    </Stack>
  );
}

function Verdict({ verdict: { problem, problemAt, verifiedTo, hash, entryAt } }: { verdict: AuditVerdict }) {
  const t = useTexts(auditTexts);
  return (
    <Text size="sm" role="status" component="div" className="break" c={problem ? 'red' : 'dimmed'}>
      {problem ? t('broken', { at: String(problemAt), problem: t(`problem_${problem}`) }) : t('intact', { entries: String(verifiedTo) })}{' '}
      {entryAt && <Time at={entryAt} exact />} <span className="mono">{hash.slice(0, 16)}…</span>
      <Copy value={`${verifiedTo} ${hash}`} />
    </Text>
  );
}

/** The server verifies a part with each request. */
async function verifyAll(orgId: string): Promise<AuditVerdict> {
  let known = '';
  for (;;) {
    const verdict = await api(AuditVerdict, 'GET', `/api/audit/verify?orgId=${orgId}${known}`);
    if (verdict.isEnd || verdict.problem) return verdict;
    known = `&after=${verdict.verifiedTo}&hash=${verdict.hash}`;
  }
}
