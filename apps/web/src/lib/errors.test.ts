import { afterEach, beforeAll, expect, it, vi } from 'vitest';

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

it('says a refusal as the API does in English, and in Portuguese by its code', () => {
  expect(errors.refusalText('conflict', 'the plan is running')).toBe('the plan is running');
  i18n.setLanguage('pt-BR');
  expect(errors.refusalText('not_found', 'there is no such plan')).toBe('Isto não existe, ou não existe mais.');
  expect(errors.refusalText('conflict', 'the <b>plan</b> is running')).toContain('“the <b>plan</b> is running”');
});

it('leaves a refusal that it does not know at what the API says, whatever its code is', () => {
  i18n.setLanguage('pt-BR');
  for (const code of ['brand_new', 'toString', '__proto__', '']) expect(errors.refusalText(code, 'as it says')).toBe('as it says');
});
