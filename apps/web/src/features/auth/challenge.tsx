import { Button, Select, Stack, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useLocation, useNavigate, useSearch } from '@tanstack/react-router';
import { useTexts } from '../../lib/i18n.ts';
import { safePath } from '../../lib/redirect.ts';
import { signOut, useSession, verifiedFactors } from '../../lib/session.ts';
import { supabase } from '../../lib/supabase.ts';
import { Refused } from '../../ui/refused.tsx';
import { AuthCard } from './auth-card.tsx';
import { CodeField, readCode } from './code-field.tsx';
import { secondFactorTexts } from './second-factor-texts.ts';
import { useSubmit } from './use-submit.ts';

/** The step of the sign-in after the password, for people who have a second factor. */
export function Challenge() {
  const t = useTexts(secondFactorTexts);
  const navigate = useNavigate();
  const { next } = useSearch({ from: '/second-factor' });
  const { hash } = useLocation();
  const factors = verifiedFactors(useSession());
  const form = useForm({
    initialValues: { factorId: factors[0]?.id ?? '', code: '' },
    validate: { code: (typed) => (readCode(typed) ? null : t('codeInvalid')) },
  });
  const { busy, error, message, submit } = useSubmit(async () => {
    const { factorId, code } = form.values;
    const { error: refused } = await supabase().auth.mfa.challengeAndVerify({ factorId, code: readCode(code) ?? '' });
    if (refused) throw refused;
    await navigate({ href: safePath(next, hash), replace: true });
  });
  return (
    <AuthCard
      title={t('challenge')}
      footer={
        <Button variant="subtle" size="xs" onClick={() => void signOut('local')}>
          {t('signOut')}
        </Button>
      }
    >
      <form onSubmit={form.onSubmit(() => void submit())} noValidate>
        <Stack gap="sm">
          <Text size="sm">{t('challengeHint')}</Text>
          <Refused error={error} message={message} />
          {factors.length > 1 && (
            <Select
              label={t('which')}
              allowDeselect={false}
              data={factors.map(({ id, friendly_name }, index) => ({ value: id, label: friendly_name || `${t('app')} ${index + 1}` }))}
              {...form.getInputProps('factorId')}
            />
          )}
          <CodeField label={t('code')} {...form.getInputProps('code')} />
          <Button type="submit" loading={busy} fullWidth mt="xs">
            {t('signIn')}
          </Button>
        </Stack>
      </form>
    </AuthCard>
  );
}
