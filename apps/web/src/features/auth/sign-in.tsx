import { Alert, Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { isEmail, useForm } from '@mantine/form';
import { useLocation, useNavigate, useSearch } from '@tanstack/react-router';
import { useTexts } from '../../lib/i18n.ts';
import { safePath } from '../../lib/redirect.ts';
import { linkRefusal, sessionHadEnded } from '../../lib/session.ts';
import { authCode, supabase } from '../../lib/supabase.ts';
import { AnchorLink } from '../../ui/links.tsx';
import { Refused } from '../../ui/refused.tsx';
import { AuthCard } from './auth-card.tsx';
import { linkText } from './refusals.ts';
import { Resend } from './resend.tsx';
import { authTexts } from './texts.ts';
import { useSubmit } from './use-submit.ts';

export function SignIn() {
  const t = useTexts(authTexts);
  const navigate = useNavigate();
  const { next } = useSearch({ from: '/guest' });
  const { hash } = useLocation();
  const refusedLink = linkRefusal();
  const form = useForm({
    initialValues: { email: '', password: '' },
    validate: { email: isEmail(t('emailInvalid')), password: (value) => (value ? null : t('passwordMissing')) },
  });
  const { busy, error, message, submit } = useSubmit(async () => {
    const { error: refused } = await supabase().auth.signInWithPassword(form.values);
    if (refused) throw refused;
    await navigate({ href: safePath(next, hash), replace: true });
  });
  return (
    <AuthCard
      title={t('signIn')}
      footer={
        <>
          {t('noAccount')}{' '}
          <AnchorLink to="/sign-up" search={next ? { next } : {}} hash underline="always">
            {t('signUp')}
          </AnchorLink>
        </>
      }
    >
      <form onSubmit={form.onSubmit(() => void submit())} noValidate>
        <Stack gap="sm">
          {refusedLink !== undefined && !error && (
            <Alert color="orange" role="alert">
              {linkText(refusedLink)}
            </Alert>
          )}
          {sessionHadEnded() && next !== undefined && !error && refusedLink === undefined && (
            <Alert color="blue" role="status">
              {t('sessionEnded')}
            </Alert>
          )}
          <Refused error={error} message={message}>
            {authCode(error) === 'email_not_confirmed' && <Resend email={form.values.email} to={safePath(next, hash)} />}
          </Refused>
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
            autoComplete="current-password"
            required
            withAsterisk={false}
            {...form.getInputProps('password')}
          />
          <Button type="submit" loading={busy} fullWidth mt="xs">
            {t('signIn')}
          </Button>
          <AnchorLink to="/forgot-password" search={next ? { next } : {}} hash size="sm" ta="center">
            {t('forgot')}
          </AnchorLink>
        </Stack>
      </form>
    </AuthCard>
  );
}
