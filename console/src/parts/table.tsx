/** A table of records: caption, column headers, the first column names the row. */
import type { ComponentChildren } from 'preact';

export interface Column<Row> {
  readonly head: string;
  /** Numbers stand to the right, with equal digits. */
  readonly number?: boolean;
  readonly wide?: boolean;
  readonly cell: (row: Row) => ComponentChildren;
}

interface Props<Row> {
  readonly caption: string;
  readonly captionHidden?: boolean;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  readonly classOf?: (row: Row) => string;
  readonly foot?: ComponentChildren;
}

export function Table<Row>(props: Props<Row>) {
  const { columns, rows, keyOf, classOf } = props;
  const [first, ...others] = columns;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable
    <section class="table-scroll" tabIndex={0} aria-label={props.caption}>
      <table>
        <caption class={props.captionHidden === true ? 'visually-hidden' : ''}>
          {props.caption}
        </caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.head} scope="col" class={cellClass(column)}>
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)} class={classOf?.(row) ?? ''}>
              <th scope="row" class={cellClass(first)}>
                {first?.cell(row)}
              </th>
              {others.map((column) => (
                <td key={column.head} class={cellClass(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
        {props.foot !== undefined && <tfoot>{props.foot}</tfoot>}
      </table>
    </section>
  );
}

function cellClass(column: { readonly number?: boolean; readonly wide?: boolean } | undefined) {
  return `${column?.number === true ? 'number' : ''} ${column?.wide === true ? 'wide' : ''}`.trim();
}
