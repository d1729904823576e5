/** Leafs through rows that are already here, a page at a time. */
import { formatCount } from '../format/decimal.ts';
import { useText } from '../text/text.ts';

interface Props {
  readonly page: number;
  readonly size: number;
  readonly rows: number;
  readonly label: string;
  readonly onPage: (page: number) => void;
}

export function Pager({ page, size, rows, label, onPage }: Props) {
  const { text, locale } = useText();
  if (rows <= size) return null;
  const last = Math.ceil(rows / size) - 1;
  const count = (n: number) => formatCount(n, locale);
  return (
    <nav class="pager" aria-label={label}>
      <button type="button" disabled={page === 0} onClick={() => onPage(page - 1)}>
        {text.state.previous}
      </button>
      <span role="status">
        {text.state.pageOf(
          count(page * size + 1),
          count(Math.min(rows, (page + 1) * size)),
          count(rows),
        )}
      </span>
      <button type="button" disabled={page === last} onClick={() => onPage(page + 1)}>
        {text.state.next}
      </button>
    </nav>
  );
}
