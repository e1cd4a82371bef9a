import { Textarea, TextInput } from '@mantine/core';
import { useTexts } from '../../lib/i18n.ts';
import { connectionTexts } from './texts.ts';

/** Who may send to a connection: one address or network in each line, nothing for every address; and why it is suspended, or nothing. */
export interface Access {
  addresses: string;
  suspendedReason: string;
}

export const toAccess = (of: { allowedIps: string[] | null; suspendedReason: string | null }): Access => ({
  addresses: (of.allowedIps ?? []).join('\n'),
  suspendedReason: of.suspendedReason ?? '',
});

/** The access as the API takes it. */
export function fromAccess({ addresses, suspendedReason }: Access): { allowedIps: string[] | null; suspendedReason: string | null } {
  const allowedIps = addresses.split(/[\s,;]+/).filter((one) => one !== '');
  return { allowedIps: allowedIps.length > 0 ? allowedIps : null, suspendedReason: suspendedReason.trim() || null };
}

export function AccessFields({
  value,
  onChange,
  errors,
}: {
  value: Access;
  onChange: (value: Access) => void;
  errors: Record<string, string>;
}) {
  const t = useTexts(connectionTexts);
  const wrongAddress = Object.entries(errors).find(([path]) => path.startsWith('allowedIps'))?.[1];
  return (
    <>
      <Textarea
        label={t('allowedIps')}
        description={t('allowedIpsHint')}
        placeholder="203.0.113.0/24"
        rows={3}
        value={value.addresses}
        onChange={(event) => onChange({ ...value, addresses: event.currentTarget.value })}
        error={wrongAddress}
      />
      <TextInput
        label={t('suspendedReason')}
        description={t('suspendedReasonHint')}
        maxLength={500}
        value={value.suspendedReason}
        onChange={(event) => onChange({ ...value, suspendedReason: event.currentTarget.value })}
        error={errors.suspendedReason}
      />
    </>
  );
}
