/** A page whose code is fetched when it is first opened. */
import type { FunctionComponent } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiProblem } from './api/client.ts';
import { Problem } from './parts/problem.tsx';
import { useText } from './text/text.ts';

export function lazyPage<Props extends object>(
  load: () => Promise<FunctionComponent<Props>>,
): FunctionComponent<Props> {
  let known: FunctionComponent<Props> | undefined;
  return function LazyPage(props: Props) {
    const { text } = useText();
    const [failure, setFailure] = useState<unknown>();
    const [, setRound] = useState(0);
    const fetchIt = async () => {
      setFailure(undefined);
      try {
        known = await load();
        setRound((n) => n + 1);
      } catch (error) {
        setFailure(error);
      }
    };
    useEffect(() => {
      if (known === undefined) void fetchIt();
    }, []);
    if (known !== undefined) {
      const Loaded = known;
      return <Loaded {...props} />;
    }
    if (failure !== undefined) {
      const problem = new ApiProblem(0, 'NETWORK', String(failure));
      return <Problem what={text.app.name} problem={problem} retry={() => void fetchIt()} />;
    }
    return <p role="status">{text.state.loading}</p>;
  };
}
