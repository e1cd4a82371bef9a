import type { Connection } from '@tributary/shared/api.ts';
import type { FieldReason, KeptField } from '@tributary/shared/kept.ts';

// What the settings of a generic connection say about single fields: `keep` has the texts to keep, `personal` the fields to drop.

export interface FieldChange {
  list: 'keep' | 'personal';
  path: string;
  /** The path is taken out of the list again. */
  isUndo: boolean;
}

const listOf = (config: Connection['config'], list: FieldChange['list']): string[] => {
  const found = config[list];
  return Array.isArray(found) ? found.filter((path) => typeof path === 'string') : [];
};

/** The settings with the change. An empty list is left out. */
export function withChange(config: Connection['config'], { list, path, isUndo }: FieldChange): Connection['config'] {
  const others = listOf(config, list).filter((one) => one !== path);
  const next = isUndo ? others : [...others, path];
  const { [list]: _old, ...rest } = config;
  return next.length === 0 ? rest : { ...rest, [list]: next };
}

/** Whether a path of the settings names the field or a branch around it. */
function covers(named: string, path: string): boolean {
  const [wanted, found] = [named.split('.'), path.split('.')];
  return wanted.length <= found.length && wanted.every((part, at) => part === '*' || part === found[at]);
}

/** Texts that no rule knows. An identifier, a credential or a branch about a person is never kept by one press of a button. */
const mayBeKept = new Set<FieldReason>(['unnamed', 'not_a_word', 'not_an_id']);

/** Paths that the settings take. A field whose name was masked or left out cannot be named there. */
const settablePath = /^(?!.{201})[^.\s[\]]([^.[\]]*[^.\s[\]])?(\.[^.\s[\]]([^.[\]]*[^.\s[\]])?)*$/;

/** What an admin can change about a field by one press: undo what the settings say about it, keep it, or drop it. */
export function changeOf(config: Connection['config'], { path, fate, reason }: KeptField): FieldChange | undefined {
  for (const list of ['personal', 'keep'] as const) {
    const named = listOf(config, list).find((one) => covers(one, path));
    if (named !== undefined) return { list, path: named, isUndo: true };
  }
  if (!settablePath.test(path)) return undefined;
  if (fate === 'dropped') return mayBeKept.has(reason) ? { list: 'keep', path, isUndo: false } : undefined;
  return fate === 'hashed' ? undefined : { list: 'personal', path, isUndo: false };
}
