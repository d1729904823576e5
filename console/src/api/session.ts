/** The API key of this tab. Session storage: it ends with the tab and is never sent by itself. */
import { createStore } from '../store.ts';

const NAME = 'meterline.key';

export const apiKey = createStore<string | null>(sessionStorage.getItem(NAME));
/** Why the sign-in page is shown again. */
export const signedOutBecause = createStore<'refused' | null>(null);

export function signIn(key: string): void {
  sessionStorage.setItem(NAME, key);
  signedOutBecause.set(null);
  apiKey.set(key);
}

export function signOut(reason: 'refused' | null = null): void {
  sessionStorage.removeItem(NAME);
  signedOutBecause.set(reason);
  apiKey.set(null);
}
