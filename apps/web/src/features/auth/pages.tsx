import { Alert, Button, Card, Center, Group, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core';
import { isEmail, useForm } from '@mantine/form';
import { useLocation, useNavigate, useSearch } from '@tanstack/react-router';
import { type ReactNode, useEffect, useState } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { safePath } from '../../lib/redirect.ts';
import { linkRefusal } from '../../lib/session.ts';
import { authCode, supabase } from '../../lib/supabase.ts';
import { AnchorLink } from '../../ui/links.tsx';
import { Refused } from '../../ui/refused.tsx';
import { authText, linkText } from './refusals.ts';
import { authTexts } from './texts.ts';

/** Shorter is what Supabase refuses by default. */
const passwordLengthMin = 8;

function AuthCard({ title, children, footer }: { title: string; children: ReactNode; footer?: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Tributary`;
  }, [title]);
  return (
    <Center mih="100dvh" p="md" component="main">
      <Stack w="100%" maw={400}>
        <Group gap={8} justify="center">
          <img src="/icon.svg" alt="" width={32} height={32} />
          <Text fw={700} size="lg">
            Tributary
          </Text>
        </Group>
        <Card withBorder padding="lg">
          <Title order={1} size="h4" mb="md">
            {title}
          </Title>
          {children}
        </Card>
        {footer && (
          <Text size="sm" ta="center" component="div">
            {footer}
          </Text>
        )}
      </Stack>
    </Center>
  );
}

function useSubmit(run: () => Promise<void>) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  return {
    busy,
    error,
    /** What it was refused with, for people. */
    said: error ? authText(error) : undefined,
    submit: async () => {
      setBusy(true);
      setError(null);
      try {
        await run();
      } catch (cause) {
        setError(cause instanceof Error ? cause : new Error(String(cause)));
      } finally {
        setBusy(false);
      }
    },
  };
}

/** Asks for the mail that confirms the address once more. */
function Resend({ email, to }: { email: string; to: string }) {
  const t = useTexts(authTexts);
  const [sent, setSent] = useState(false);
  const { busy, said, submit } = useSubmit(async () => {
    const { error: refused } = await supabase().auth.resend({
      type: 'signup',
      email,
      options: { emailRedirectTo: location.origin + to },
    });
    if (refused) throw refused;
    setSent(true);
  });
  if (said) return <Text role="alert">{said}</Text>;
  if (sent) return <Text role="status">{t('resent')}</Text>;
  return (
    <Button variant="default" size="xs" mt="xs" loading={busy} onClick={() => void submit()}>
      {t('resend')}
    </Button>
  );
}

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
  const { busy, error, said, submit } = useSubmit(async () => {
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
          <AnchorLink to="/sign-up" search={next ? { next } : {}} hash>
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
          <Refused error={error} said={said}>
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
  const { busy, error, said, submit } = useSubmit(async () => {
    const { data, error: refused } = await supabase().auth.signUp({
      ...form.values,
      options: { emailRedirectTo: `${location.origin}${safePath(next, hash)}` },
    });
    if (refused) throw refused;
    // Where addresses are confirmed by mail there is no session yet.
    if (data.session) await navigate({ href: safePath(next, hash), replace: true });
    else setConfirm(true);
  });
  return (
    <AuthCard
      title={t('signUp')}
      footer={
        <>
          {t('haveAccount')}{' '}
          <AnchorLink to="/sign-in" search={next ? { next } : {}} hash>
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
            <Refused error={error} said={said} />
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

export function ForgotPassword() {
  const t = useTexts(authTexts);
  const [sent, setSent] = useState(false);
  const form = useForm({ initialValues: { email: '' }, validate: { email: isEmail(t('emailInvalid')) } });
  const { busy, error, said, submit } = useSubmit(async () => {
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
            <Refused error={error} said={said} />
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

/** Where the link of a reset mail leads: it signs in, and a new password is set. */
export function NewPassword() {
  const t = useTexts(authTexts);
  const navigate = useNavigate();
  const form = useForm({
    initialValues: { password: '' },
    validate: { password: (value) => (value.length >= passwordLengthMin ? null : t('passwordShort', { min: passwordLengthMin })) },
  });
  const { busy, error, said, submit } = useSubmit(async () => {
    const { error: refused } = await supabase().auth.updateUser({ password: form.values.password });
    if (refused) throw refused;
    await navigate({ to: '/', replace: true });
  });
  return (
    <AuthCard title={t('newPasswordTitle')}>
      <form onSubmit={form.onSubmit(() => void submit())} noValidate>
        <Stack gap="sm">
          <Refused error={error} said={said} />
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
