import { Badge, Button, Group, Modal, Stack, Table, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { Approval } from '@tributary/shared/approvals.ts';
import { useState } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { orgPeople } from '../../lib/people.ts';
import { useSession } from '../../lib/session.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { live } from '../../ui/live.tsx';
import { Section } from '../../ui/page.tsx';
import { Refused } from '../../ui/refused.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { uiTexts } from '../../ui/texts.ts';
import { Time } from '../../ui/values.tsx';
import { approvals, decide, invalidateSecurity } from './queries.ts';
import { securityTexts } from './texts.ts';
import { useActWords } from './use-act-words.ts';

type Decision = 'approve' | 'reject' | 'withdraw';

/** The acts that wait for a second person, and those that were decided. */
export function Approvals() {
  const t = useTexts(securityTexts);
  const org = useOrg();
  return (
    <Section title={t('approvals')}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {t('approvalsHint')}
        </Text>
        {org.canWrite ? <List /> : <AdminOnly>{null}</AdminOnly>}
      </Stack>
    </Section>
  );
}

function List() {
  const t = useTexts(securityTexts);
  const org = useOrg();
  const list = useQuery({ ...approvals(org.id, 'all'), ...live(30_000) });
  const people = useQuery(orgPeople(org.id));
  const userId = useSession()?.user.id;
  const words = useActWords();
  const [deciding, setDeciding] = useState<{ approval: Approval; decision: Decision }>();
  const nameOf = (id: string) => (id === userId ? t('you') : (people.data?.find((person) => person.userId === id)?.email ?? t('former')));
  return (
    <>
      <Loaded query={list} height={130} isEmpty={(rows) => rows.length === 0} empty={<Empty title={t('none')} />}>
        {(rows) => (
          <Table.ScrollContainer minWidth={560}>
            <Table aria-label={t('approvals')}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th scope="col">{t('what')}</Table.Th>
                  <Table.Th scope="col">{t('who')}</Table.Th>
                  <Table.Th scope="col">{t('state')}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {rows.map((approval) => (
                  <Table.Tr key={approval.id}>
                    <Table.Td className="break">{words(approval)}</Table.Td>
                    <Table.Td className="break">
                      <Time at={approval.requestedAt} /> {t('by', { person: nameOf(approval.requestedBy) })}
                    </Table.Td>
                    <Table.Td>
                      <State
                        approval={approval}
                        mine={approval.requestedBy === userId}
                        by={approval.decidedBy && nameOf(approval.decidedBy)}
                        onDecide={(decision) => setDeciding({ approval, decision })}
                      />
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Loaded>
      {deciding && <Decide {...deciding} what={words(deciding.approval)} onClose={() => setDeciding(undefined)} />}
    </>
  );
}

function State({
  approval: { status, decidedAt },
  mine,
  by,
  onDecide,
}: {
  approval: Approval;
  mine: boolean;
  by: string | null;
  onDecide: (decision: Decision) => void;
}) {
  const t = useTexts(securityTexts);
  if (status !== 'pending')
    return (
      <Text size="sm" c="dimmed" component="div" className="break">
        {t(status)} {by && t('by', { person: by })} {decidedAt && <Time at={decidedAt} />}
      </Text>
    );
  const decisions: readonly Decision[] = mine ? ['withdraw'] : ['approve', 'reject'];
  return (
    <Group gap="xs" wrap="nowrap">
      <Badge variant="dot" color="orange">
        {t('waiting')}
      </Badge>
      {decisions.map((decision) => (
        <Button key={decision} size="compact-xs" variant={decision === 'approve' ? 'light' : 'subtle'} onClick={() => onDecide(decision)}>
          {t(decision)}
        </Button>
      ))}
    </Group>
  );
}

function Decide({ approval, decision, what, onClose }: { approval: Approval; decision: Decision; what: string; onClose: () => void }) {
  const t = useTexts(securityTexts);
  const ui = useTexts(uiTexts);
  const queryClient = useQueryClient();
  const run = useMutation({
    mutationFn: () => decide(approval.id, decision),
    onSuccess: async () => {
      onClose();
      await invalidateSecurity(queryClient);
    },
  });
  return (
    <Modal opened onClose={onClose} title={t(`${decision}Title`)} closeButtonProps={{ 'aria-label': ui('close') }}>
      <Stack>
        <Text size="sm">{t(`${decision}Body`)}</Text>
        <Text size="sm" fw={600} className="break">
          {what}
        </Text>
        <Refused error={run.error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {ui('cancel')}
          </Button>
          <Button {...(decision === 'approve' ? { color: 'red' } : {})} loading={run.isPending} onClick={() => run.mutate()}>
            {t(decision)}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
