import { compilePaths } from '../reading/paths.ts';
import type { JsonObject, RawRecord, Source } from '../source.ts';
import { identifierKinds } from './pii.ts';
import { containsPersonal, finish, type PersonalPaths, type Pruned, prune } from './redact.ts';
import { type Collected, collectValue, newCollected, occurring } from './repeats.ts';
import { sampleOf } from './sample.ts';
import type { RecordPrivacy, Screen } from './screen.ts';

/** The redaction of a source that has no table of kept fields: what is known to be personal is removed. */
export function oldRecord(source: Source, record: RawRecord, config: unknown): RecordPrivacy {
  const paths = pathsOf(source, config, record.value);
  let collected = newCollected();
  let hits: Collected | undefined;
  let pruned: Pruned | undefined;
  const isPersonal = (text: string) => containsPersonal(text, hits ?? collected);
  const screen: Screen = {
    mask: (text) => (isPersonal(text) ? undefined : text),
    hides: isPersonal,
    digest: () => null,
    identifier: () => undefined,
  };
  return {
    screen,
    keep() {
      pruned = prune(record.value, paths);
      collected = pruned.collected;
      if (record.envelope !== undefined) collectAll(collected, prune(record.envelope, paths, true).collected);
    },
    withoutPersonalIds: (reading) => reading,
    search(subject, columns) {
      for (const kind of identifierKinds) {
        const plain = subject?.[kind];
        if (plain !== undefined && plain.trim() !== '')
          collectValue(collected, plain, kind === 'phone' || kind === 'document' ? kind : undefined);
      }
      hits = occurring(columns, collected);
    },
    properties: () => (pruned === undefined ? {} : finish(pruned)),
    sample() {
      hits = undefined;
      return sampleOf(record.value, paths, collected);
    },
  };
}

function collectAll(into: Collected, more: Collected): void {
  for (const [text, alone] of more.texts) into.texts.set(text, alone);
  for (const digits of more.digits) into.digits.add(digits);
  into.overflow ||= more.overflow;
}

const compiled = new WeakMap<object, { credentials: string; paths: PersonalPaths }>();

function pathsOf(source: Source, config: unknown, record: JsonObject): PersonalPaths {
  const personal = source.personalOf?.(record) ?? source.personalFor?.(config) ?? source.personal;
  const credentials = (source.credentialsFor?.(config) ?? source.credentials).body;
  const cached = compiled.get(personal);
  if (cached?.credentials === credentials.join('\n')) return cached.paths;
  const paths: PersonalPaths = {
    remove: compilePaths([...personal.remove, ...credentials]),
    keep: compilePaths(personal.keep),
    only: personal.only && (compilePaths(personal.only) ?? 'none'),
  };
  compiled.set(personal, { credentials: credentials.join('\n'), paths });
  return paths;
}
