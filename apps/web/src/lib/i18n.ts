import i18next from 'i18next';
import { initReactI18next, useTranslation } from 'react-i18next';

/** English is written first, Brazilian Portuguese has the same keys: {@link defineTexts} makes the compiler check it. */
type Texts = Readonly<Record<string, string>>;
export type Language = 'en' | 'pt-BR';
const languages: readonly Language[] = ['en', 'pt-BR'];
const stored = 'tributary.language';

void i18next.use(initReactI18next).init({
  lng: initialLanguage(),
  fallbackLng: 'en',
  resources: {},
  // React escapes by itself.
  interpolation: { escapeValue: false },
  keySeparator: false,
  nsSeparator: false,
  returnNull: false,
});
document.documentElement.lang = i18next.language;

/** Texts of one feature: what {@link useTexts} reads. */
export interface FeatureTexts<Key extends string> {
  namespace: string;
  /** Only for the compiler: the keys there are. */
  keys?: Key;
}

type KeysOf<En> = keyof En extends infer K ? (K extends `${infer Base}_one` | `${infer Base}_other` ? Base : K & string) : never;

/**
 * The texts of one feature, in the chunk of the feature. `{{name}}` is filled in; plural forms end in `_one` and `_other` and are asked
 * for with `count`.
 */
export function defineTexts<const En extends Texts>(
  namespace: string,
  texts: { en: En; 'pt-BR': Record<keyof En, string> },
): FeatureTexts<KeysOf<En>> {
  for (const language of languages) i18next.addResourceBundle(language, namespace, texts[language], true, true);
  return { namespace };
}

/** Of texts that come in English from elsewhere, the Portuguese ones, by whatever tells the text: {@link has} says whether to take one. */
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

/** A text outside of a component, in the language of the moment. */
export function say<Key extends string>({ namespace }: FeatureTexts<Key>, key: Key, values?: Record<string, string | number>): string {
  return String(i18next.t(key as string, { ...values, ns: namespace }));
}

/** Whether there is a text of that name, in the language of the moment or in English. */
export function has<Key extends string>({ namespace }: FeatureTexts<Key>, key: string): key is Key {
  return i18next.exists(key, { ns: namespace });
}

export function setLanguage(language: Language): void {
  localStorage.setItem(stored, language);
  document.documentElement.lang = language;
  void i18next.changeLanguage(language);
}

export function useLanguage(): Language {
  return useTranslation().i18n.language === 'pt-BR' ? 'pt-BR' : 'en';
}

function initialLanguage(): Language {
  const chosen = localStorage.getItem(stored);
  if (chosen === 'en' || chosen === 'pt-BR') return chosen;
  return navigator.languages.some((language) => language.toLowerCase().startsWith('pt')) ? 'pt-BR' : 'en';
}
