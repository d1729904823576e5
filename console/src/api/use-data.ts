/** One resource of the API, read again every so often while the tab is visible. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { ApiProblem, type CallOptions, call } from './client.ts';

export interface Loaded<T> {
  /** The newest answer for this path, kept while a newer one is on its way or failed. */
  readonly data: T | undefined;
  readonly problem: ApiProblem | undefined;
  readonly loading: boolean;
  /** When `data` came, by this computer's clock. */
  readonly asOfMs: number | undefined;
  reload(): void;
}

export interface UseDataOptions {
  readonly refreshMs?: number;
  readonly alsoFine?: CallOptions['alsoFine'];
}

interface State<T> {
  readonly path: string | undefined;
  readonly data?: T;
  readonly problem?: ApiProblem | undefined;
  readonly loading: boolean;
  readonly asOfMs?: number;
}

/** `path` undefined: nothing is asked for. */
export function useData<T>(path: string | undefined, options: UseDataOptions = {}): Loaded<T> {
  const [state, setState] = useState<State<T>>({ path, loading: path !== undefined });
  const [round, setRound] = useState(0);
  const { refreshMs } = options;
  const alsoFine = useRef(options.alsoFine);
  useEffect(() => {
    if (path === undefined) return;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async () => {
      timer = undefined;
      setState((s) => ({ ...(s.path === path ? s : { path }), loading: true }));
      const next = await answer<T>(path, stop.signal, alsoFine.current);
      if (stop.signal.aborted) return;
      setState((s) => ({ ...(s.path === path ? s : { path }), ...next, loading: false }));
      // Asking again does not grant a scope.
      if (next.problem?.status === 403) return;
      if (refreshMs !== undefined && !document.hidden) timer = setTimeout(read, refreshMs);
    };
    const shown = () => {
      if (document.hidden) clearTimeout(timer);
      else if (refreshMs !== undefined) void read();
    };
    document.addEventListener('visibilitychange', shown);
    void read();
    return () => {
      stop.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', shown);
    };
  }, [path, refreshMs, round]);
  const reload = useCallback(() => setRound((n) => n + 1), []);
  const mine = state.path === path;
  return {
    data: mine ? state.data : undefined,
    problem: mine ? state.problem : undefined,
    loading: path !== undefined && (state.loading || !mine),
    asOfMs: mine ? state.asOfMs : undefined,
    reload,
  };
}

async function answer<T>(path: string, signal: AbortSignal, fine: CallOptions['alsoFine']) {
  try {
    const data = await call<T>(path, { signal, ...(fine && { alsoFine: fine }) });
    return { data, problem: undefined, asOfMs: Date.now() };
  } catch (error) {
    return {
      problem: error instanceof ApiProblem ? error : new ApiProblem(0, 'NETWORK', `${error}`),
    };
  }
}
