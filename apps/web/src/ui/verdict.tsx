import { Alert, Badge } from '@mantine/core';
import { IconAlertTriangle, IconPlayerPause } from '@tabler/icons-react';
import type { ConnectionVerdict } from '@tributary/shared/verdicts.ts';
import type { ReactNode } from 'react';
import { useTexts } from '../lib/i18n.ts';
import { verdictTexts } from './verdict-texts.ts';

/** A verdict as the database computed it; the pages only show it. */
export interface ShownVerdict {
  state: ConnectionVerdict;
  reason: string | null;
  level: string | null;
}

/** The verdict of a row of `connection_health`. */
export const verdictOf = (row: { verdict: string; verdict_reason: string | null; verdict_level: string | null }): ShownVerdict => ({
  state: row.verdict as ConnectionVerdict,
  reason: row.verdict_reason,
  level: row.verdict_level,
});

export function verdictColor({ state, level }: ShownVerdict): string {
  if (state === 'ok') return 'teal';
  if (state === 'paused' || state === 'waiting') return 'gray';
  return state === 'needs_secret' || level === 'critical' ? 'red' : 'orange';
}

export function VerdictBadge({ verdict, size = 'md' }: { verdict: ShownVerdict; size?: 'md' | 'lg' }) {
  const t = useTexts(verdictTexts);
  return (
    <Badge variant="dot" size={size} color={verdictColor(verdict)} miw="max-content" tt="none">
      {t(verdict.state)}
    </Badge>
  );
}

/** What the verdict means, for every state but ok. */
function useVerdictMeaning({ state, reason }: ShownVerdict): string | undefined {
  const t = useTexts(verdictTexts);
  if (state === 'ok') return undefined;
  if (state === 'needs_secret' || state === 'waiting') return t(`${state}Means`);
  return t(`${reason ?? 'by_person'}Means` as 'by_personMeans');
}

/** Says what is wrong with a connection, and what can be done about it. */
export function VerdictNotice({ verdict, children }: { verdict: ShownVerdict; children?: ReactNode }) {
  const t = useTexts(verdictTexts);
  const meaning = useVerdictMeaning(verdict);
  if (verdict.state === 'ok' || verdict.state === 'waiting') return null;
  const Icon = verdict.state === 'paused' ? IconPlayerPause : IconAlertTriangle;
  return (
    <Alert color={verdictColor(verdict)} icon={<Icon size={18} />} title={t(verdict.state)} role="status">
      {meaning}
      {children}
    </Alert>
  );
}
