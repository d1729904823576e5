/** Who is signed in and what the key may do, for every part of the page. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Session } from './api/types.ts';

export const SessionContext = createContext<Session>({ name: '', scopes: [] });

export function useScope(scope: string): boolean {
  return useContext(SessionContext).scopes.includes(scope);
}
