import { Card, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { CreatedConnection } from '@tributary/shared/api.ts';
import { useSources } from '../../lib/sources.ts';
import { Loaded } from '../../ui/states.tsx';
import { VerdictNotice } from '../../ui/verdict.tsx';
import { connectionDetail } from './queries.ts';
import { Setup } from './setup.tsx';
import { TestSender } from './test-sender.tsx';
import { WaitingCard } from './waiting-card.tsx';

/** The last step: what to paste where, and a card that waits for the first event, beside the button that sends a test event. */
export function Connect({ connectionId, made }: { connectionId: string; made: CreatedConnection | undefined }) {
  const connection = useQuery({ ...connectionDetail(connectionId), refetchInterval: 30_000 });
  const sources = useSources();
  return (
    <Loaded query={connection} height={360}>
      {(detail) => {
        const source = sources.data?.find((one) => one.type === detail.type);
        return (
          <Stack>
            <Setup
              url={detail.webhookUrl}
              source={source}
              generated={made?.secrets ?? {}}
              missing={detail.missingSecrets}
              connectionId={detail.id}
            />
            <VerdictNotice verdict={detail.verdict} />
            <WaitingCard connectionId={detail.id} label={source?.label ?? detail.type} />
            {source && detail.missingSecrets.length === 0 && (
              <Card withBorder>
                <TestSender connectionId={detail.id} source={source} />
              </Card>
            )}
          </Stack>
        );
      }}
    </Loaded>
  );
}
