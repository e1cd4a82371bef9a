import type { Screen } from '../columns.ts';
import { identifierIn, maskText, wholeIdentifier } from './mask.ts';
import { type IdentifierKind, identifierKinds } from './pii.ts';
import type { RecordPerson } from './record-person.ts';

/** What of the texts of a record may stand in its columns. `digest` makes what stands for an id. */
export function screenFor(person: RecordPerson, digest: (id: string) => string): Screen {
  return {
    mask: (text) => maskText(text, person),
    hides: (id) => identifierIn(id, person, true) !== undefined,
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
