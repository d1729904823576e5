/** The foot of a list that comes in pages: states of the list, and the next page on request. */
import type { Pages } from '../api/use-pages.ts';
import { formatCount } from '../format/decimal.ts';
import { useText } from '../text/text.ts';
import { Problem } from './problem.tsx';

interface Props {
  readonly pages: Pages<unknown>;
  readonly what: string;
  readonly empty: string;
}

export function More({ pages, what, empty }: Props) {
  const { text, locale } = useText();
  const { rows, loading, hasMore, problem } = pages;
  const retry = rows.length === 0 ? pages.reload : pages.more;
  if (loading && rows.length === 0) {
    return (
      <p class="skeleton" role="status">
        {text.state.loading}
      </p>
    );
  }
  return (
    <div class="more">
      {problem !== undefined && <Problem what={what} problem={problem} retry={retry} />}
      <p role="status" class="note">
        {loading && text.state.loading}
        {!loading && rows.length === 0 && problem === undefined && empty}
        {!loading && rows.length > 0 && text.state.shown(formatCount(rows.length, locale))}
        {!loading && rows.length > 0 && !hasMore && ` ${text.state.allShown}`}
      </p>
      {hasMore && (
        <button type="button" disabled={loading} onClick={pages.more}>
          {text.state.more}
        </button>
      )}
    </div>
  );
}
