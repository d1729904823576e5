/** Light or dark: the system's choice unless the person has made one. */
import { createStore } from './store.ts';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const NAME = 'meterline.theme';

function remembered(): Theme {
  const kept = localStorage.getItem(NAME);
  return THEMES.find((t) => t === kept) ?? 'system';
}

export const theme = createStore<Theme>(remembered());
/** Changes with whatever changes colours: canvas drawings watch it. */
export const paintRound = createStore(0);

function apply(next: Theme): void {
  if (next === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = next;
  paintRound.set(paintRound.get() + 1);
}

export function chooseTheme(next: Theme): void {
  localStorage.setItem(NAME, next);
  theme.set(next);
  apply(next);
}

export function startTheme(): void {
  apply(theme.get());
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => apply(theme.get()));
}
