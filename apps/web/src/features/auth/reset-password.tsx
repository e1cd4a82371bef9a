import { Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { isEmail, useForm } from '@mantine/form';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { supabase } from '../../lib/supabase.ts';
import { AnchorLink } from '../../ui/links.tsx';
import { Refused } from '../../ui/refused.tsx';
import { AuthCard } from './auth-card.tsx';
import { passwordLengthMin } from './password.ts';
import { authTexts } from './texts.ts';
import { useSubmit } from './use-submit.ts';

export function ForgotPassword() {
  const t = useTexts(authTexts);
  const [sent, setSent] = useState(false);
  const form = useForm({ initialValues: { email: '' }, validate: { email: isEmail(t('emailInvalid')) } });
  const { busy, error, message, submit } = useSubmit(async () => {
    const { error: refused } = await supabase().auth.resetPasswordForEmail(form.values.email, {
      redirectTo: `${location.origin}/new-password`,
    });
    if (refused) throw refused;
    setSent(true);
  });
  return (
    <AuthCard
      title={t('forgotTitle')}
      footer={
        <AnchorLink to="/sign-in" search={(old) => old} hash>
          {t('backToSignIn')}
        </AnchorLink>
      }
    >
      {sent ? (
        <Text role="status">{t('resetSent', { email: form.values.email })}</Text>
      ) : (
        <form onSubmit={form.onSubmit(() => void submit())} noValidate>
          <Stack gap="sm">
            <Refused error={error} message={message} />
            <TextInput
              label={t('email')}
              type="email"
              autoComplete="username"
              required
              withAsterisk={false}
              {...form.getInputProps('email')}
            />
            <Button type="submit" loading={busy} fullWidth mt="xs">
              {t('sendReset')}
            </Button>
          </Stack>
        </form>
      )}
    </AuthCard>
  );
}

/** The page that a reset mail links to: the link signs the person in, and they set a new password. */
export function NewPassword() {
  const t = useTexts(authTexts);
  const navigate = useNavigate();
  const form = useForm({
    initialValues: { password: '' },
    validate: { password: (value) => (value.length >= passwordLengthMin ? null : t('passwordShort', { min: passwordLengthMin })) },
  });
  const { busy, error, message, submit } = useSubmit(async () => {
    const { error: refused } = await supabase().auth.updateUser({ password: form.values.password });
    if (refused) throw refused;
    await navigate({ to: '/', replace: true });
  });
  return (
    <AuthCard title={t('newPasswordTitle')}>
      <form onSubmit={form.onSubmit(() => void submit())} noValidate>
        <Stack gap="sm">
          <Refused error={error} message={message} />
          <PasswordInput
            label={t('newPassword')}
            description={t('passwordHint', { min: passwordLengthMin })}
            autoComplete="new-password"
            required
            withAsterisk={false}
            {...form.getInputProps('password')}
          />
          <Button type="submit" loading={busy} fullWidth mt="xs">
            {t('savePassword')}
          </Button>
        </Stack>
      </form>
    </AuthCard>
  );
}
