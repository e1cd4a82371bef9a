import { bodyTokenProblem } from '../../proofs/body-token.ts';
import { checkToken } from '../../proofs/shared-token.ts';
import { refused } from '../../proofs/verdicts.ts';
import { findBodyField } from '../../reading/body-field.ts';
import type { Delivery, Verdict } from '../../source.ts';

const error = 'INVALID_HOTTOK';
const name = 'hottok';

/**
 * The account's hottok, in the header X-HOTMART-HOTTOK or, as the legacy postback sends it, in the body. Where the header is present, only the
 * header decides: a right hottok in the body does not make up for a wrong header.
 */
export function verifyHottok(delivery: Delivery, hottoks: readonly string[]): Verdict {
  const header = delivery.headers['x-hotmart-hottok'];
  if (header !== undefined && header.trim() === '') return refused('The header X-HOTMART-HOTTOK is empty.', error);
  if (header !== undefined) return checkToken(header, hottoks, { name, place: 'header X-HOTMART-HOTTOK', error });
  const field = findBodyField(delivery, name);
  const problem = bodyTokenProblem(delivery, name, field);
  if (problem !== undefined && hottoks.length > 0)
    return refused(`The header X-HOTMART-HOTTOK is missing, and no hottok can be read from the body: ${problem}.`, error);
  return checkToken(field.text, hottoks, { name, place: field.text === undefined ? 'header X-HOTMART-HOTTOK or the body' : 'body', error });
}
