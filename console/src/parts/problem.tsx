/** What failed, why, and the way to try again. A part of the page fails alone. */
import type { ApiProblem } from '../api/client.ts';
import { useText } from '../text/text.ts';

interface Props {
  readonly what: string;
  readonly problem: ApiProblem;
  readonly retry?: () => void;
}

export function Problem({ what, problem, retry }: Props) {
  const { text } = useText();
  const why = problem.status === 0 ? text.state.network : problem.message;
  return (
    <div class="problem" role="alert">
      <p>
        <strong>{text.state.failed(what)}</strong> {why}
      </p>
      <p class="note">{text.state.code(problem.code)}</p>
      {retry !== undefined && problem.status !== 403 && (
        <button type="button" onClick={retry}>
          {text.state.retry}
        </button>
      )}
    </div>
  );
}
