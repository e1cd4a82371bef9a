import type { Json, JsonObject, Reading, Subject } from '../source.ts';
import { identifierInId, maskText, wholeIdentifier } from './mask.ts';
import { type IdentifierKind, identifierKinds } from './pii.ts';
import type { RecordPerson } from './record-person.ts';

/** What of a text may stand in a readable column. Made for each record, because it knows the record's person. */
export interface Screen {
  /** The text with identifiers and full names masked; undefined where nothing of the text may be stored. */
  mask(text: string): string | undefined;
  /** Whether an id or a key contains an identifier or the full name of the person. */
  hides(id: string): boolean;
  /** What stands for an id that may not be stored. */
  digest(id: string): string;
  /** The kind and the plain text of the identifier that a text is as a whole. */
  identifier(text: string): { kind: IdentifierKind; plain: string } | undefined;
}

/** What of one record may be stored readable, from the first look at it to its row or its dead letter. */
export interface RecordPrivacy {
  /** Decides what is kept, and collects the person of the record. Throws RecordError for text that the database refuses. */
  keep(): void;
  /** The reading with every id that contains a person's identifier replaced by its digest. */
  withoutPersonalIds(reading: Reading): Reading;
  /** Adds the subject to the person of the record, and prepares the search of the columns and the kept texts. */
  search(subject: Subject | undefined, columns: readonly string[]): void;
  screen: Screen;
  properties(): JsonObject;
  /** The form of the record that may be shown when it could not be read. */
  sample(): Json;
}

/** A column takes a few hundred characters. A text far beyond it is not searched, and nothing of it is stored. */
const searchedCharsMax = 4_000;

/** What of the texts of a record may stand in its columns. `digest` makes what stands for an id. */
export function screenFor(person: RecordPerson, digest: (id: string) => string): Screen {
  return {
    mask: (text) => (text.length > searchedCharsMax ? undefined : maskText(text, person, person.traits?.get(text))),
    hides: (id) => identifierInId(id, person, person.traits?.get(id)) !== undefined,
    digest,
    identifier(text) {
      const whole = wholeIdentifier(text, person);
      const kind = whole && kindOf(whole.form);
      return kind && { kind, plain: whole.value };
    },
  };
}

function kindOf(form: string): IdentifierKind | undefined {
  return form === 'id' ? 'external_id' : identifierKinds.find((kind) => kind === form);
}
