/** A list that the server gives in pages: the next one is asked for, never the whole. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiProblem, call } from './client.ts';

export interface Page<Row> {
  readonly rows: readonly Row[];
  /** Cursor of the page after; null at the end. */
  readonly next: string | null;
}

export interface Pages<Row> {
  readonly rows: readonly Row[];
  readonly problem: ApiProblem | undefined;
  readonly loading: boolean;
  readonly hasMore: boolean;
  more(): void;
  reload(): void;
}

interface State<Row> extends Page<Row> {
  readonly base: string;
  readonly problem?: ApiProblem | undefined;
  readonly loading: boolean;
}

/** `base` is the path with all filters; `cursorName` the query parameter of the cursor. */
export function usePages<Body, Row>(
  base: string,
  cursorName: string,
  pageOf: (body: Body) => Page<Row>,
): Pages<Row> {
  const empty = { base, rows: [], next: null, loading: true };
  const [state, setState] = useState<State<Row>>(empty);
  const [round, setRound] = useState(0);
  const running = useRef<AbortController | undefined>(undefined);
  const load = async (cursor: string | null, before: readonly Row[]) => {
    running.current?.abort();
    const stop = new AbortController();
    running.current = stop;
    setState((s) => ({ ...s, base, loading: true, problem: undefined }));
    try {
      const path = cursor === null ? base : `${base}&${cursorName}=${encodeURIComponent(cursor)}`;
      const page = pageOf(await call<Body>(path, { signal: stop.signal }));
      setState({ base, rows: [...before, ...page.rows], next: page.next, loading: false });
    } catch (error) {
      if (stop.signal.aborted) return;
      const problem =
        error instanceof ApiProblem ? error : new ApiProblem(0, 'NETWORK', `${error}`);
      setState({ base, rows: before, next: cursor, loading: false, problem });
    }
  };
  useEffect(() => {
    void load(null, []);
    return () => running.current?.abort();
  }, [base, round]);
  return {
    rows: state.rows,
    problem: state.problem,
    loading: state.loading || state.base !== base,
    hasMore: state.next !== null,
    more: () => void load(state.next, state.rows),
    reload: () => setRound((n) => n + 1),
  };
}
