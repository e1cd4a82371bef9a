import { unreachable } from '../../lib/errors.ts';
import { defineTexts, hasText, translate } from '../../lib/i18n.ts';
import { authCode } from '../../lib/supabase.ts';

/** Texts by the error codes of Supabase Auth: https://supabase.com/docs/guides/auth/debugging/error-codes */
const texts = defineTexts('auth-refusals', {
  en: {
    invalid_credentials: 'The e-mail address or the password is wrong.',
    email_not_confirmed: 'Your e-mail address is not confirmed yet: open the link that was sent to it.',
    user_already_exists: 'There is an account with this e-mail address already. Sign in with it.',
    email_exists: 'There is an account with this e-mail address already. Sign in with it.',
    email_address_invalid: 'No mail can be sent to this address. Use another one.',
    weak_password: 'This password is too easy to guess. Choose a longer or less common one.',
    same_password: 'This is the password you already have. Choose another one.',
    signup_disabled: 'New accounts cannot be created here. Ask the operators of this installation.',
    user_banned: 'This account is blocked. Ask the operators of this installation.',
    over_email_send_rate_limit: 'Too many e-mails were requested. Wait some minutes and try again.',
    over_request_rate_limit: 'There were too many attempts. Wait some minutes and try again.',
    otp_expired: 'The link has expired or was used before. Ask for a new one.',
    mfa_verification_failed: 'The code is wrong or too old. Enter the newest one.',
    insufficient_aal: 'Sign in again with your second factor, and repeat this.',
    too_many_enrolled_mfa_factors: 'You have as many second factors as are possible. Remove one first.',
    link: 'The link could not be used. Ask for a new one.',
    other: '{{said}}',
  },
  'pt-BR': {
    invalid_credentials: 'O e-mail ou a senha está incorreto.',
    email_not_confirmed: 'Seu e-mail ainda não foi confirmado: abra o link que foi enviado para ele.',
    user_already_exists: 'Já existe uma conta com este e-mail. Entre com ela.',
    email_exists: 'Já existe uma conta com este e-mail. Entre com ela.',
    email_address_invalid: 'Não é possível enviar mensagens para este endereço. Use outro.',
    weak_password: 'Esta senha é fácil demais de adivinhar. Escolha uma mais longa ou menos comum.',
    same_password: 'Esta é a senha que você já tem. Escolha outra.',
    signup_disabled: 'Não é possível criar contas novas aqui. Fale com quem administra esta instalação.',
    user_banned: 'Esta conta está bloqueada. Fale com quem administra esta instalação.',
    over_email_send_rate_limit: 'Foram pedidas mensagens demais. Espere alguns minutos e tente de novo.',
    over_request_rate_limit: 'Foram tentativas demais. Espere alguns minutos e tente de novo.',
    otp_expired: 'O link expirou ou já foi usado. Peça um novo.',
    mfa_verification_failed: 'O código está errado ou é antigo demais. Digite o mais novo.',
    insufficient_aal: 'Entre de novo com o seu segundo fator e repita isto.',
    too_many_enrolled_mfa_factors: 'Você já tem o máximo de segundos fatores. Remova um antes.',
    link: 'O link não pôde ser usado. Peça um novo.',
    other: 'O servidor diz: “{{said}}”',
  },
});

/** A refusal of Supabase Auth in the reader's language. */
export function authText(error: Error): string {
  const code = authCode(error);
  if (code === 'unreachable') return unreachable().message;
  return hasText(texts, code) ? translate(texts, code) : translate(texts, 'other', { said: error.message });
}

/** Why the link of a mail did not work, in the reader's language. */
export const linkText = (code: string): string => translate(texts, hasText(texts, code) ? code : 'link');
