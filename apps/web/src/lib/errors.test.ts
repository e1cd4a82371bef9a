import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, it, vi } from 'vitest';
import { z } from 'zod';

const storage = new Map<string, string>();
vi.stubGlobal('localStorage', {
  getItem: (key: string) => storage.get(key) ?? null,
  setItem: (key: string, value: string) => storage.set(key, value),
});
vi.stubGlobal('document', { documentElement: {} });

let errors: typeof import('./errors.ts');
let i18n: typeof import('./i18n.ts');
beforeAll(async () => {
  [errors, i18n] = [await import('./errors.ts'), await import('./i18n.ts')];
});
afterEach(() => i18n.setLanguage('en'));

it('shows the API’s message in English, and a translation by the code in Portuguese', () => {
  expect(errors.refusalText('conflict', 'the plan is running')).toBe('the plan is running');
  i18n.setLanguage('pt-BR');
  expect(errors.refusalText('not_found', 'there is no such plan')).toBe('Isto não existe, ou não existe mais.');
  expect(errors.refusalText('conflict', 'the <b>plan</b> is running')).toContain('“the <b>plan</b> is running”');
});

it('translates the error codes of the Data API into Portuguese', async () => {
  const { read } = await import('./supabase.ts');
  const refused = (code: string, status: number) =>
    read(Promise.resolve({ data: null, error: { code, message: `as it says: ${code}` }, status })).catch((error: Error) => error.message);
  expect(await refused('42501', 403)).toBe('as it says: 42501');
  i18n.setLanguage('pt-BR');
  expect(await refused('42501', 403)).toContain('O seu papel não permite isto');
  for (const code of ['PGRST301', 'PGRST303']) expect(await refused(code, 401)).toBe('A sessão terminou. Entre de novo.');
  expect(await refused('23505', 409)).toBe('as it says: 23505');
});

it('shows the API’s message unchanged for an unknown code', () => {
  i18n.setLanguage('pt-BR');
  for (const code of ['brand_new', 'toString', '__proto__', '']) expect(errors.refusalText(code, 'as it says')).toBe('as it says');
});

it('says what is wrong with a field in both languages, by zod’s error code', () => {
  const schema = z.object({
    name: z.string().min(1).max(5),
    reason: z.string().min(3),
    rate: z.int().min(2),
    rows: z.int().max(9),
    tags: z.array(z.string()).min(1).max(2),
    mail: z.email(),
    link: z.url(),
    level: z.enum(['a', 'b']),
    at: z.iso.datetime(),
    gone: z.string(),
    secret: z.string().regex(/^x$/, 'contains the same address twice'),
    own: z.string().refine(() => false, 'has a reason of its own'),
  });
  const sent = {
    name: '',
    reason: 'a',
    rate: 1,
    rows: 10,
    tags: ['a', 'b', 'c'],
    mail: 'x',
    link: 'x',
    level: 'c',
    at: 'x',
    secret: ' ',
    own: '',
  };
  const issues = [...(schema.safeParse(sent).error?.issues ?? []), ...(schema.shape.name.safeParse('123456').error?.issues ?? [])];
  const said = () => issues.map((issue) => errors.fieldText({ ...(issue as object), path: '', message: issue.message, code: issue.code }));
  expect(said()).toEqual([
    'Fill this in.',
    'At least 3 characters.',
    '2 or more.',
    '9 or less.',
    'At most 2 of them.',
    'This is not an e-mail address.',
    'This is not a web address.',
    'Choose one of the values that are offered.',
    'This does not have the expected format.',
    'Fill this in.',
    'contains the same address twice',
    'has a reason of its own',
    'At most 5 characters.',
  ]);
  i18n.setLanguage('pt-BR');
  expect(said()).toEqual([
    'Preencha este campo.',
    'No mínimo 3 caracteres.',
    '2 ou mais.',
    '9 ou menos.',
    'No máximo 2.',
    'Isto não é um endereço de e-mail.',
    'Isto não é um endereço da web.',
    'Escolha um dos valores disponíveis.',
    'Isto não tem o formato esperado.',
    'Preencha este campo.',
    'Contém o mesmo endereço duas vezes.',
    'O servidor diz: “has a reason of its own”',
    'No máximo 5 caracteres.',
  ]);
});

it('translates only sentences that the API still uses', async () => {
  const root = join(import.meta.dirname, '../../../..');
  let sources = '';
  for await (const file of glob('{apps/api,packages/shared,packages/pipeline}/src/**/*.ts', { cwd: root }))
    if (!file.endsWith('.test.ts')) sources += readFileSync(join(root, file), 'utf8');
  // As they are written in the source, where an apostrophe may be an escape sequence.
  const gone = Object.keys(errors.fieldSentences).filter(
    (sentence) => !sources.includes(`'${sentence}'`) && !sources.includes(`'${sentence.replaceAll('\u2019', '\\u2019')}'`),
  );
  expect(gone).toEqual([]);
});
