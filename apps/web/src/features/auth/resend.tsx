import { Button, Text } from '@mantine/core';
import { useState } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { supabase } from '../../lib/supabase.ts';
import { authTexts } from './texts.ts';
import { useSubmit } from './use-submit.ts';

/** Requests the confirmation mail again. */
export function Resend({ email, to }: { email: string; to: string }) {
  const t = useTexts(authTexts);
  const [sent, setSent] = useState(false);
  const { busy, message, submit } = useSubmit(async () => {
    const { error: refused } = await supabase().auth.resend({
      type: 'signup',
      email,
      options: { emailRedirectTo: location.origin + to },
    });
    if (refused) throw refused;
    setSent(true);
  });
  if (message) return <Text role="alert">{message}</Text>;
  if (sent) return <Text role="status">{t('resent')}</Text>;
  return (
    <Button variant="default" size="xs" mt="xs" loading={busy} onClick={() => void submit()}>
      {t('resend')}
    </Button>
  );
}
