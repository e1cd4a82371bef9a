import { TextInput, type TextInputProps } from '@mantine/core';

/** The field for the code of an authenticator app. Password managers and telephones fill it in. */
export function CodeField(props: TextInputProps) {
  return <TextInput inputMode="numeric" autoComplete="one-time-code" maxLength={7} required withAsterisk={false} {...props} />;
}

/** The six digits of a typed code; undefined for anything else. Apps show the code in two groups. */
export function readCode(typed: string): string | undefined {
  const code = typed.replaceAll(/\s/g, '');
  return /^\d{6}$/.test(code) ? code : undefined;
}
