import { Text, Timeline } from '@mantine/core';
import { IconAlertTriangle, IconBell, IconBellOff, IconBellX, IconCheck, IconEye } from '@tabler/icons-react';
import type { AlertIncidentDetail, AlertNotification } from '@tributary/shared/alerts.ts';
import type { ReactNode } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { useSession } from '../../lib/session.ts';
import { Time } from '../../ui/values.tsx';
import { alertTexts } from './texts.ts';

interface Moment {
  key: string;
  at: string;
  icon: ReactNode;
  color: string;
  title: string;
  detail?: ReactNode;
}

const size = 12;
const sent = {
  sent: { icon: <IconBell size={size} />, color: 'teal' },
  pending: { icon: <IconBell size={size} />, color: 'gray.6' },
  failed: { icon: <IconBellX size={size} />, color: 'red' },
  canceled: { icon: <IconBellOff size={size} />, color: 'gray.6' },
} as const;

/** The history of an incident in order, with every notification. */
export function IncidentTimeline({ incident }: { incident: AlertIncidentDetail }) {
  const t = useTexts(alertTexts);
  const me = useSession()?.user.id;
  const by = (id: string | null) => (id === null ? t('byItself') : id === me ? t('byYou') : t('byMember'));
  const moments: Moment[] = [
    { key: 'opened', at: incident.openedAt, icon: <IconAlertTriangle size={size} />, color: 'orange', title: t('opened') },
    ...incident.notifications.map((one) => ({
      key: one.id,
      at: one.createdAt,
      ...sent[one.status],
      title: t('told', { channel: one.channelName, what: t(`about_${one.kind}`) }),
      detail: <Outcome notification={one} />,
    })),
  ];
  if (incident.acknowledgedAt) {
    moments.push({
      key: 'acknowledged',
      at: incident.acknowledgedAt,
      icon: <IconEye size={size} />,
      color: 'blue',
      title: `${t('acknowledged')} ${by(incident.acknowledgedBy)}`,
    });
  }
  if (incident.resolvedAt) {
    moments.push({
      key: 'resolved',
      at: incident.resolvedAt,
      icon: <IconCheck size={size} />,
      color: 'teal',
      title: `${t('resolved')} ${by(incident.resolvedBy)}`,
      detail: t(incident.resolution ?? 'recovered'),
    });
  }
  // The sort is stable: entries of the same moment keep the order above, so that a notification follows what it reports.
  moments.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  return (
    <>
      <Timeline active={moments.length} bulletSize={22} lineWidth={2}>
        {moments.map(({ key, at, icon, color, title, detail }) => (
          <Timeline.Item
            key={key}
            bullet={icon}
            color={color}
            title={
              <Text size="sm" fw={500} className="break">
                {title}
              </Text>
            }
          >
            <Text size="xs" c="dimmed" component="div">
              <Time at={at} />
              {detail && <div>{detail}</div>}
            </Text>
          </Timeline.Item>
        ))}
      </Timeline>
      {incident.notifications.length === 0 && (
        <Text size="sm" c="dimmed" mt="xs">
          {t('nobodyTold')}
        </Text>
      )}
    </>
  );
}

function Outcome({ notification: { status, attempts, nextAttemptAt, lastError, sentAt } }: { notification: AlertNotification }) {
  const t = useTexts(alertTexts);
  return (
    <>
      {t(`status_${status}`)}
      {status === 'sent' && sentAt && (
        <>
          {' '}
          <Time at={sentAt} />
        </>
      )}
      {attempts > 1 && ` · ${t('attempts', { count: attempts })}`}
      {status === 'pending' && nextAttemptAt && attempts > 0 && (
        <>
          {` · ${t('nextAttempt')} `}
          <Time at={nextAttemptAt} />
        </>
      )}
      {lastError && (
        <Text size="xs" className="break" style={{ unicodeBidi: 'isolate' }}>
          {lastError}
        </Text>
      )}
    </>
  );
}
