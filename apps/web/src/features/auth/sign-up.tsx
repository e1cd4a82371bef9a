import { Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { isEmail, useForm } from '@mantine/form';
import { useLocation, useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { safePath } from '../../lib/redirect.ts';
import { supabase } from '../../lib/supabase.ts';
import { AnchorLink } from '../../ui/links.tsx';
import { Refused } from '../../ui/refused.tsx';
import { AuthCard } from './auth-card.tsx';
import { passwordLengthMin } from './password.ts';
import { Resend } from './resend.tsx';
import { authTexts } from './texts.ts';
import { useSubmit } from './use-submit.ts';

export function SignUp() {
  const t = useTexts(authTexts);
  const navigate = useNavigate();
  const { next } = useSearch({ from: '/guest' });
  const { hash } = useLocation();
  const [confirm, setConfirm] = useState(false);
  const form = useForm({
    initialValues: { email: '', password: '' },
    validate: {
      email: isEmail(t('emailInvalid')),
      password: (value) => (value.length >= passwordLengthMin ? null : t('passwordShort', { min: passwordLengthMin })),
    },
  });
  const { busy, error, message, submit } = useSubmit(async () => {
    const { data, error: refused } = await supabase().auth.signUp({
      ...form.values,
      options: { emailRedirectTo: `${location.origin}${safePath(next, hash)}` },
    });
    if (refused) throw refused;
    // Where addresses are confirmed by mail, there is no session yet.
    if (data.session) await navigate({ href: safePath(next, hash), replace: true });
    else setConfirm(true);
  });
  return (
    <AuthCard
      title={t('signUp')}
      footer={
        <>
          {t('haveAccount')}{' '}
          <AnchorLink to="/sign-in" search={next ? { next } : {}} hash underline="always">
            {t('signIn')}
          </AnchorLink>
        </>
      }
    >
      {confirm ? (
        <Stack gap="sm" align="flex-start">
          <Text role="status">{t('confirm', { email: form.values.email })}</Text>
          <Resend email={form.values.email} to={safePath(next, hash)} />
        </Stack>
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
            <PasswordInput
              label={t('password')}
              description={t('passwordHint', { min: passwordLengthMin })}
              autoComplete="new-password"
              required
              withAsterisk={false}
              {...form.getInputProps('password')}
            />
            <Button type="submit" loading={busy} fullWidth mt="xs">
              {t('signUp')}
            </Button>
          </Stack>
        </form>
      )}
    </AuthCard>
  );
}
