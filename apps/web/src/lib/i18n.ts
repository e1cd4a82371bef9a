import i18next from 'i18next';
import { initReactI18next, useTranslation } from 'react-i18next';

/** English is the source language. {@link defineTexts} makes the compiler check that Brazilian Portuguese has the same keys. */
type Texts = Readonly<Record<string, string>>;
export type Language = 'en' | 'pt-BR';
const languages: readonly Language[] = ['en', 'pt-BR'];
const storageKey = 'tributary.language';

void i18next.use(initReactI18next).init({
  lng: initialLanguage(),
  fallbackLng: 'en',
  resources: {},
  // React already escapes.
  interpolation: { escapeValue: false },
  keySeparator: false,
  nsSeparator: false,
  returnNull: false,
});
document.documentElement.lang = i18next.language;

/** A handle of the texts of one feature, for {@link useTexts}. */
export interface FeatureTexts<Key extends string> {
  namespace: string;
  /** For the compiler only: the keys of the texts. */
  keys?: Key;
}

type KeysOf<En> = keyof En extends infer K ? (K extends `${infer Base}_one` | `${infer Base}_other` ? Base : K & string) : never;

/**
 * Registers the texts of one feature; they are in the chunk of that feature. `{{name}}` is replaced by a value; the keys of plural forms
 * end in `_one` and `_other`, and `count` chooses between them.
 */
export function defineTexts<const En extends Texts>(
  namespace: string,
  texts: { en: En; 'pt-BR': Record<keyof En, string> },
): FeatureTexts<KeysOf<En>> {
  for (const language of languages) i18next.addResourceBundle(language, namespace, texts[language], true, true);
  return { namespace };
}

/**
 * Registers Portuguese translations of English texts that come from elsewhere, by a key that identifies the text. {@link hasText} says whether
 * a translation exists.
 */
export function defineTranslations<const Key extends string>(
  namespace: string,
  portuguese: Readonly<Record<Key, string>>,
): FeatureTexts<Key> {
  i18next.addResourceBundle('pt-BR', namespace, portuguese, true, true);
  return { namespace };
}

export function useTexts<Key extends string>({ namespace }: FeatureTexts<Key>) {
  const { i18n } = useTranslation(namespace);
  return (key: Key, values?: Record<string, string | number>): string => String(i18n.t(key as string, { ...values, ns: namespace }));
}

/** A text outside of a component, in the current language. */
export function translate<Key extends string>(
  { namespace }: FeatureTexts<Key>,
  key: Key,
  values?: Record<string, string | number>,
): string {
  return String(i18next.t(key as string, { ...values, ns: namespace }));
}

/** Whether a text with this key exists in the current language or in English. */
export function hasText<Key extends string>({ namespace }: FeatureTexts<Key>, key: string): key is Key {
  return i18next.exists(key, { ns: namespace });
}

export function setLanguage(language: Language): void {
  localStorage.setItem(storageKey, language);
  document.documentElement.lang = language;
  void i18next.changeLanguage(language);
}

/** Whether the page is in English, the language of the API's messages. */
export const isEnglish = (): boolean => i18next.language !== 'pt-BR';

export function useLanguage(): Language {
  return useTranslation().i18n.language === 'pt-BR' ? 'pt-BR' : 'en';
}

function initialLanguage(): Language {
  const chosen = localStorage.getItem(storageKey);
  if (chosen === 'en' || chosen === 'pt-BR') return chosen;
  return navigator.languages.some((language) => language.toLowerCase().startsWith('pt')) ? 'pt-BR' : 'en';
}
