import { Avatar } from '@mantine/core';

const colors = ['cyan', 'grape', 'indigo', 'orange', 'teal', 'pink', 'lime', 'violet'] as const;

/**
 * The initial of a platform in a colour that is always the same for that platform. It is decoration, because the name is written beside it.
 */
export function SourceBadge({ type, size = 32 }: { type: string; size?: number }) {
  const sum = [...type].reduce((total, letter) => (total * 31 + (letter.codePointAt(0) ?? 0)) % 65_521, 0);
  return (
    <Avatar size={size} radius="md" color={colors[sum % colors.length] ?? 'gray'} aria-hidden>
      {type.charAt(0).toUpperCase()}
    </Avatar>
  );
}
