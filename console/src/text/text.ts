/** Which language is shown, and with which separators. */
import { createStore, useStore } from '../store.ts';
import { en, type Text } from './en.ts';
import { es } from './es.ts';

export const LANGUAGES = { en, es } as const satisfies Record<string, Text>;
export type Language = keyof typeof LANGUAGES;

const NAME = 'meterline.language';

function remembered(): Language {
  const kept = localStorage.getItem(NAME) ?? navigator.language.slice(0, 2);
  return kept === 'es' ? 'es' : 'en';
}

export const language = createStore<Language>(remembered());

export function chooseLanguage(next: Language): void {
  localStorage.setItem(NAME, next);
  language.set(next);
}

/** Dates as '21 Nov 2026', numbers as 12,345.6: the day first in both languages. */
const LOCALES: Readonly<Record<Language, string>> = { en: 'en-GB', es: 'es-ES' };

/** `locale` goes with the language: numbers and dates follow the text around them. */
export function useText(): { readonly text: Text; readonly locale: string } {
  const code = useStore(language);
  return { text: LANGUAGES[code], locale: LOCALES[code] };
}
