import { Box, Button, Card, Group, Progress, SimpleGrid, Stack, Stepper, Text, TextInput, UnstyledButton } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { CreatedConnection, SourceEntry } from '@tributary/shared/api.ts';
import { useState } from 'react';
import { invalidateConnectionHealth } from '../../lib/connections.ts';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { useSources } from '../../lib/sources.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { Page } from '../../ui/page.tsx';
import { SourceBadge } from '../../ui/source-badge.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { uiTexts } from '../../ui/texts.ts';
import { Connect } from './connect.tsx';
import { CreateForm } from './create-form.tsx';
import { connectionTexts } from './texts.ts';

/**
 * Leads from a platform to its first event in three steps. Generated secrets exist only in the memory of this page, because they are shown
 * once.
 */
export function NewConnection() {
  const t = useTexts(connectionTexts);
  const ui = useTexts(uiTexts);
  const org = useOrg();
  const { type, created } = useSearch({ from: '/signed-in/o/$org/connections/new' });
  const navigate = useNavigate({ from: '/o/$org/connections/new' });
  const sources = useSources();
  const queryClient = useQueryClient();
  const [made, setMade] = useState<CreatedConnection>();
  return (
    <Page title={t('wizard')}>
      <AdminOnly>
        <Loaded query={sources} height={360}>
          {(catalogue) => {
            const source = catalogue.find((one) => one.type === type);
            const step = created ? 2 : source ? 1 : 0;
            return (
              <Stack maw={880}>
                <Steps active={step} labels={[t('stepPlatform'), t('stepSettings'), t('stepConnect')]} />
                {step === 0 && <PickSource sources={catalogue} onPick={(next) => void navigate({ search: { type: next } })} />}
                {step === 1 && source && (
                  <Card withBorder>
                    <CreateForm
                      source={source}
                      onCreated={(connection) => {
                        setMade(connection);
                        void invalidateConnectionHealth(queryClient, org.id);
                        void navigate({ search: { type: source.type, created: connection.id }, replace: true });
                      }}
                      back={
                        <Button variant="default" onClick={() => void navigate({ search: {} })}>
                          {ui('back')}
                        </Button>
                      }
                    />
                  </Card>
                )}
                {step === 2 && created && <Connect connectionId={created} made={made?.id === created ? made : undefined} />}
              </Stack>
            );
          }}
        </Loaded>
      </AdminOnly>
    </Page>
  );
}

/** The position in the wizard; on a phone only the current step is named. */
function Steps({ active, labels }: { active: number; labels: readonly string[] }) {
  return (
    <>
      <Stepper active={active} size="sm" allowNextStepsSelect={false} visibleFrom="xs">
        {labels.map((label) => (
          <Stepper.Step key={label} label={label} />
        ))}
      </Stepper>
      <Box hiddenFrom="xs">
        <Text size="sm" fw={600} mb={4}>
          {active + 1}/{labels.length} · {labels[active]}
        </Text>
        <Progress value={(100 * (active + 1)) / labels.length} size="sm" aria-hidden />
      </Box>
    </>
  );
}

function PickSource({ sources, onPick }: { sources: readonly SourceEntry[]; onPick: (type: string) => void }) {
  const t = useTexts(connectionTexts);
  const [text, setText] = useState('');
  const wanted = text.trim().toLowerCase();
  const found = sources.filter((source) => source.label.toLowerCase().includes(wanted) || source.type.includes(wanted));
  return (
    <Stack>
      <TextInput
        aria-label={t('findPlatform')}
        placeholder={t('findPlatform')}
        leftSection={<IconSearch size={16} aria-hidden />}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        data-autofocus
      />
      {found.length === 0 && <Empty title={t('noPlatform')} hint={t('noPlatformHint')} />}
      <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }}>
        {found.map((source) => (
          <UnstyledButton key={source.type} onClick={() => onPick(source.type)}>
            <Card withBorder padding="sm">
              <Group wrap="nowrap">
                <SourceBadge type={source.type} />
                <Text fw={500} size="sm">
                  {source.label}
                </Text>
              </Group>
            </Card>
          </UnstyledButton>
        ))}
      </SimpleGrid>
    </Stack>
  );
}
