import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useTexts } from '../../lib/i18n.ts';
import { useOperatorToken } from '../../lib/operator-token.ts';
import { useOrg } from '../../lib/orgs.ts';
import { ButtonLink } from '../../ui/links.tsx';
import { live, Updated } from '../../ui/live.tsx';
import { LockButton, OperatorGate } from '../../ui/operator-gate.tsx';
import { Page } from '../../ui/page.tsx';
import { Loaded } from '../../ui/states.tsx';
import { Figures } from './figures.tsx';
import { ModeControl } from './mode-control.tsx';
import { detailedHealth } from './queries.ts';
import { pipelineTexts } from './texts.ts';

/** For operators of the installation: the mode of all instances, their figures, and the commands. */
export function Pipeline() {
  const t = useTexts(pipelineTexts);
  const queryClient = useQueryClient();
  const token = useOperatorToken();
  const check = (typed: string) => queryClient.fetchQuery({ ...detailedHealth(typed), staleTime: 0, retry: false });
  return token === undefined ? (
    <Page title={t('title')} description={t('description')}>
      <OperatorGate check={check} />
    </Page>
  ) : (
    <Controls token={token} />
  );
}

function Controls({ token }: { token: string }) {
  const t = useTexts(pipelineTexts);
  const org = useOrg();
  const health = useQuery({ ...detailedHealth(token), ...live(3_000) });
  return (
    <Page
      title={t('title')}
      description={t('description')}
      actions={
        <>
          <Updated at={health.dataUpdatedAt} isFetching={health.isFetching} onRefresh={() => void health.refetch()} />
          <ButtonLink size="xs" variant="default" to="/o/$org/installation" params={{ org: org.slug }}>
            {t('orgs')}
          </ButtonLink>
          <LockButton />
        </>
      }
    >
      <Loaded query={health} height={600}>
        {(data) => (
          <>
            <ModeControl token={token} health={data} />
            <Figures health={data} />
          </>
        )}
      </Loaded>
    </Page>
  );
}
