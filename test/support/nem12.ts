/** NEM12 text for tests: what a data provider would send for made-up service points. */
export interface MadeStream {
  readonly nmi: string;
  readonly serial?: string;
  readonly suffix?: string;
  readonly uom?: string;
  readonly minutes?: number;
  /** Market dates, 'YYYYMMDD', with a value for each interval of the day. */
  readonly days: readonly { readonly date: string; readonly values: readonly string[] }[];
}

export function nem12Text(streams: readonly MadeStream[], eol = '\r\n'): string {
  const lines = ['100,NEM12,202601010000,MADE,TEST'];
  for (const { nmi, serial = '', suffix = 'E1', uom = 'kWh', minutes = 30, days } of streams) {
    lines.push(`200,${nmi},${suffix},1,${suffix},,${serial},${uom},${minutes},`);
    for (const { date, values } of days) {
      lines.push(`300,${date},${values.join(',')},A,,,20260101000000,`);
    }
  }
  lines.push('900');
  return `${lines.join(eol)}${eol}`;
}

/** The same number of values as a day has intervals, each told by `formula`. */
export function dayOf(
  date: string,
  minutes: number,
  formula: (index: number) => number,
): MadeStream['days'][number] {
  const values = Array.from({ length: 1_440 / minutes }, (_, i) => (formula(i) / 1_000).toFixed(3));
  return { date, values };
}

/** Market dates from one on. */
export function marketDates(first: string, count: number): string[] {
  const start = Date.parse(first);
  return Array.from({ length: count }, (_, i) =>
    new Date(start + i * 86_400_000).toISOString().slice(0, 10).replaceAll('-', ''),
  );
}
