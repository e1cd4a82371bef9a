import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { defineTexts, useTexts } from '../lib/i18n.ts';
import { leaveEndedSession, useSession, useSessionEnded } from '../lib/session.ts';

const texts = defineTexts('session-ended', {
  en: {
    title: 'Your session has ended',
    body: 'Nothing on this page is lost: it stays open behind this message, with everything that you typed. Sign in again in a new tab as {{email}}, and this page continues by itself.',
    newTab: 'Sign in in a new tab',
    here: 'Leave this page and sign in',
  },
  'pt-BR': {
    title: 'A sua sessão terminou',
    body: 'Nada desta página se perde: ela continua aberta atrás desta mensagem, com tudo o que você digitou. Entre de novo em outra aba como {{email}}, e esta página continua sozinha.',
    newTab: 'Entrar em outra aba',
    here: 'Sair desta página e entrar',
  },
});

/** Shown over the page when the session ends while it is open, so that nothing that was typed is lost without a word. */
export function SessionEnded() {
  const t = useTexts(texts);
  const opened = useSessionEnded();
  const email = useSession()?.user.email ?? '';
  return (
    <Modal
      opened={opened}
      onClose={() => {}}
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      title={t('title')}
      zIndex={1000}
    >
      <Stack>
        <Text size="sm" className="break">
          {t('body', { email })}
        </Text>
        <Group justify="flex-end">
          <Button variant="default" onClick={leaveEndedSession}>
            {t('here')}
          </Button>
          <Button component="a" href="/sign-in" target="_blank" rel="noopener">
            {t('newTab')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
