import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json } from '../source.ts';
import { identifiersIn } from './identifier-forms.ts';
import { identifierIn, maskText } from './mask.ts';
import { collectPerson, lookForPerson, newRecordPerson, personIn } from './record-person.ts';
import { mayHoldWords, newSieve } from './sieve.ts';
import { collapse, fold, foldWithOrigins, formsOfText } from './text-forms.ts';
import { encoded, identifiable, lookAt, parameters, signsOf, traitsOf } from './text-traits.ts';

/** Words, numbers and signs of which names, addresses, ids and texts around them are made. */
const pieces = fc.constantFrom(
  ...['Maria', 'souza', 'Ávila', 'JOÃO', 'João', 'Σίσυφος', 'ΟΔΥΣΣΕΥΣ', '田中', '김철수', 'İnci', 'ſtraße', 'ﬁne', '𝚺', 'a', 'Rua'],
  ...[
    '11',
    '98765',
    '4321',
    '5511987654321',
    '1990',
    '03',
    '21',
    '123',
    '456',
    '789',
    '09',
    '０１２',
    '²³',
    '２１',
    '12345678',
    '7',
    'HP9',
  ],
  ...[
    ' ',
    '-',
    '.',
    '/',
    '(',
    ')',
    '+',
    '_',
    ':',
    '@',
    '\u00a0',
    '\u00ad',
    '\u2011',
    '\n',
    ',',
    '=',
    '&',
    '%40',
    '\\',
    '\u0301',
    '   ',
    '    ',
  ],
);
const texts = fc.array(pieces, { maxLength: 8 }).map((some) => some.join(''));
const fields = fc.constantFrom('name', 'first_name', 'last_name', 'phone', 'cpf', 'birth_date', 'address', 'street', 'code', 'note');
const people = fc.dictionary(fields, fc.oneof(texts, fc.integer({ min: 0, max: 9_999_999_999_999 })), { maxKeys: 4 });

describe('the sieve', () => {
  test('never hides a value of the person that a search of the text finds', () => {
    fc.assert(
      fc.property(people, fc.array(texts, { maxLength: 4 }), fc.func(fc.nat()), (branch, around, pick) => {
        // Values of the person stand among the texts, alone and within them.
        const values = Object.values(branch).map(String);
        const all = [
          ...around,
          ...values.filter((_, index) => pick(index) % 2 === 0).map((value, index) => `${around[index] ?? ''} ${value}`),
        ];
        const person = newRecordPerson();
        collectPerson(person, branch as Json, 'buyer', undefined);
        const naive = newRecordPerson();
        collectPerson(naive, branch as Json, 'buyer', undefined);
        const sieve = newSieve();
        for (const text of all) lookAt(text, sieve);
        lookForPerson(person, sieve, () => all, all.join('\n').length);
        if (all.some((text) => personIn(naive, foldWithOrigins(text).text).length > 0)) expect(person.mayOccur).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  test('has every word of a text, as it is folded for the search', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const sieve = newSieve();
        lookAt(text, sieve);
        for (const word of collapse(foldWithOrigins(text).text).split(/[ \n]/))
          if (word !== '') expect(mayHoldWords(sieve, word)).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  test('takes the same from the remembered signs of a field name as from the name', () => {
    const { words, ends } = signsOf('pedido_5511987654321');
    expect(words).toHaveLength(2);
    expect(ends).toEqual([4321]);
  });
});

describe('what a text may contain', () => {
  test('a text without traits is not changed by a search without them, and is found in no form', () => {
    const nobody = newRecordPerson();
    const all = identifiable | encoded | parameters;
    fc.assert(
      fc.property(fc.oneof(texts, fc.string({ unit: 'binary-ascii', maxLength: 40 })), (text) => {
        const traits = traitsOf(text);
        if ((traits & identifiable) === 0 && /^[\0-\x7f]*$/.test(text)) expect(identifiersIn(fold(text))).toEqual([]);
        if ((traits & encoded) === 0)
          expect(
            formsOfText(text)
              .slice(1)
              .flatMap((form) => identifiersIn(fold(form))),
          ).toEqual([]);
        if (/^[\0-\x7f]*$/.test(text)) {
          expect(maskText(text, nobody)).toBe(maskText(text, nobody, all));
          expect(identifierIn(text, nobody, true)).toBe(identifierIn(text, nobody, true, all));
        }
      }),
      { numRuns: 3_000 },
    );
  });
});
