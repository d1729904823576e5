/** Tables for people: aligned columns, numbers to the right, a rule under the head. */
export interface Column<Row> {
  readonly head: string;
  readonly right?: boolean;
  value(row: Row): string | number | bigint;
}

export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = rows.map((row) => columns.map((c) => String(c.value(row))));
  const widths = columns.map((c, i) =>
    Math.max(width(c.head), ...cells.map((line) => width(line[i] as string))),
  );
  const line = (parts: readonly string[]) =>
    parts
      .map((part, i) => pad(part, widths[i] as number, columns[i]?.right === true))
      .join('  ')
      .trimEnd();
  return [
    line(columns.map((c) => c.head)),
    widths.map((w) => '─'.repeat(w)).join('  '),
    ...cells.map(line),
  ].join('\n');
}

/** 1234567 -> '1,234,567'. */
export function thousands(value: number | bigint): string {
  return value.toString().replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

function pad(text: string, to: number, right: boolean): string {
  const space = ' '.repeat(Math.max(0, to - width(text)));
  return right ? space + text : text + space;
}

function width(text: string): number {
  return [...text].length;
}
