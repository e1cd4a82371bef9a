import { Alert, Badge, Button, Group, Modal, NumberInput, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { modeColors } from '../../ui/mode.tsx';
import { modeTexts } from '../../ui/mode-texts.ts';
import { Section } from '../../ui/page.tsx';
import { Refused } from '../../ui/refused.tsx';
import { uiTexts } from '../../ui/texts.ts';
import { Time } from '../../ui/values.tsx';
import { type Command, type DetailedHealth, invalidateMode, runCommand } from './queries.ts';
import { pipelineTexts } from './texts.ts';

const commands: readonly Command[] = ['brownout', 'drain', 'pause', 'resume', 'flush'];

/** The mode of all instances with its reason, and the commands of the operator. */
export function ModeControl({ token, health }: { token: string; health: DetailedHealth }) {
  const t = useTexts(pipelineTexts);
  const s = useTexts(modeTexts);
  const [asking, setAsking] = useState<Command>();
  const { mode, reason, changedAt, changedBy, drained } = health.backpressure;
  return (
    <Section title={t('mode')}>
      <Stack gap="sm">
        {health.status !== 'ok' && (
          <Alert color="red" role="alert">
            {t(health.status)}
          </Alert>
        )}
        <Group gap="sm">
          <Badge variant="dot" size="xl" color={modeColors[mode]}>
            {s(mode)}
          </Badge>
          {drained && (
            <Badge variant="dot" size="lg" color="teal">
              {t('drained')}
            </Badge>
          )}
          <Text size="sm" c="dimmed" className="break">
            {reason} {changedBy && `· ${t(changedBy)}`} {changedAt && <Time at={changedAt} />}
          </Text>
        </Group>
        <Group gap="xs">
          {commands.map((name) => (
            <Button key={name} size="xs" variant={name === 'resume' ? 'filled' : 'default'} onClick={() => setAsking(name)}>
              {t(name)}
            </Button>
          ))}
        </Group>
      </Stack>
      {asking && <CommandDialog key={asking} token={token} name={asking} onClose={() => setAsking(undefined)} />}
    </Section>
  );
}

function CommandDialog({ token, name, onClose }: { token: string; name: Command; onClose: () => void }) {
  const t = useTexts(pipelineTexts);
  const ui = useTexts(uiTexts);
  const queryClient = useQueryClient();
  const [reason, setReason] = useState('');
  const [share, setShare] = useState<number | string>(50);
  const run = useMutation({
    mutationFn: () => runCommand(token, name, { reason: reason.trim(), rate: Number(share) / 100 }),
    onSuccess: async () => {
      notifications.show({ message: t('done', { command: t(name) }), color: 'teal' });
      onClose();
      await invalidateMode(queryClient);
    },
  });
  return (
    <Modal opened onClose={onClose} title={t(name)} closeButtonProps={{ 'aria-label': ui('close') }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          run.mutate();
        }}
      >
        <Stack gap="sm">
          <Text size="sm">{t(`${name}What`)}</Text>
          <Refused error={run.error} />
          {name === 'brownout' && (
            <NumberInput
              label={t('share')}
              description={t('shareHint')}
              suffix=" %"
              min={1}
              max={100}
              allowDecimal={false}
              value={share}
              onChange={setShare}
            />
          )}
          {name !== 'flush' && (
            <TextInput
              label={t('reason')}
              description={t('reasonHint')}
              maxLength={500}
              value={reason}
              onChange={(event) => setReason(event.currentTarget.value)}
            />
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {ui('cancel')}
            </Button>
            <Button type="submit" loading={run.isPending} {...(name === 'drain' || name === 'pause' ? { color: 'red' } : {})}>
              {t('confirm', { command: t(name) })}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
