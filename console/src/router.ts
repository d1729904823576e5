/**
 * Routes live in the hash, with filters and selections in its query: `#/meters/M-1?date=2026-10-25`.
 * A copied address shows the same view; the server needs no rewrite rule.
 */
import { createStore } from './store.ts';

export interface Route {
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

type Query = Readonly<Record<string, string | undefined>>;

export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  return {
    path: path.split('/').filter(Boolean).map(decode),
    query: new URLSearchParams(query),
  };
}

/** A hash typed by hand may hold a stray '%'. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function href(path: readonly string[], query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') params.set(name, value);
  }
  const text = params.toString();
  return `#/${path.map(encodeURIComponent).join('/')}${text === '' ? '' : `?${text}`}`;
}

export const route = createStore<Route>(parseRoute(location.hash));

/** How many pages were opened since the load: the first one must not steal the focus. */
export const visits = { count: 0 };

window.addEventListener('hashchange', () => {
  visits.count += 1;
  route.set(parseRoute(location.hash));
});

/** Changes filters of the page that is open; `replace` keeps the back button for whole steps. */
export function setQuery(changes: Query, replace = false): void {
  const { path, query } = route.get();
  const next = href(path, { ...Object.fromEntries(query), ...changes });
  if (!replace) {
    location.hash = next;
    return;
  }
  history.replaceState(null, '', next);
  route.set(parseRoute(next));
}
