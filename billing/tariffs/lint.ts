/** What the schema cannot say: calendars that leak, prices that are missing, taxes that chase. */
import { periodsOf } from '../calendar/day-types.ts';
import { calendarProblems } from '../calendar/lint.ts';
import { isLocalDate } from '../calendar/local.ts';
import type { DocumentProblem } from '../documents.ts';
import {
  type ChannelDirection,
  directionOf,
  isMetered,
  type Tariff,
  type TariffVersion,
} from './schema.ts';
import { taxProblems } from './tax-lint.ts';

/** Problems of a tariff whose shape is right; empty = it can be billed by. */
export function lintTariff(tariff: Tariff): DocumentProblem[] {
  return [
    ...dateProblems(tariff.versions),
    ...tariff.versions.flatMap((version, index) =>
      versionProblems(version).map((problem) => ({
        ...problem,
        at: `versions/${index}/${problem.at}`,
      })),
    ),
  ];
}

function dateProblems(versions: readonly TariffVersion[]): DocumentProblem[] {
  const problems: DocumentProblem[] = [];
  versions.forEach(({ from, to }, index) => {
    const at = `versions/${index}`;
    for (const date of [from, to]) {
      if (typeof date === 'string' && !isLocalDate(date)) {
        problems.push({ at, message: `'${date}' is not a date that exists` });
      }
    }
    if (typeof to === 'string' && to <= from) {
      problems.push({ at, message: `the version is empty: ${from} to ${to}` });
    }
    const next = versions[index + 1];
    if (next === undefined) return;
    const follower = `the next version begins ${next.from}`;
    if (typeof to !== 'string') problems.push({ at, message: `never ends, but ${follower}` });
    else if (to > next.from) problems.push({ at, message: `overlap: ends ${to}, but ${follower}` });
    else if (to < next.from) problems.push({ at, message: `gap: ends ${to}, but ${follower}` });
  });
  return problems;
}

function versionProblems(version: TariffVersion): DocumentProblem[] {
  const { calendar } = version;
  const inCalendar = calendar === undefined ? [] : calendarProblems(calendar);
  return [
    ...inCalendar.map(({ at, message }) => ({
      at: at === '' ? 'calendar' : `calendar/${at}`,
      message,
    })),
    ...duplicates(version.charges, 'charges'),
    ...duplicates(version.taxes, 'taxes'),
    ...periodProblems(version),
    ...taxProblems(version),
  ];
}

function duplicates(items: readonly { code: string }[], at: string): DocumentProblem[] {
  return items.flatMap(({ code }, index) =>
    items.findIndex((other) => other.code === code) === index
      ? []
      : [{ at: `${at}/${index}/code`, message: `code '${code}' is used twice` }],
  );
}

function periodProblems(version: TariffVersion): DocumentProblem[] {
  const known = version.calendar === undefined ? [] : periodsOf(version.calendar);
  const unknown = version.charges.flatMap((charge, index) => {
    if (charge.kind !== 'tou' || known.includes(charge.period)) return [];
    const which =
      version.calendar === undefined
        ? 'there is no calendar'
        : `the calendar has ${known.join(', ')}`;
    const message = `unknown period '${charge.period}': ${which}`;
    return [{ at: `charges/${index}/period`, message }];
  });
  return [...unknown, ...unpriced(version, 'import'), ...unpriced(version, 'export')];
}

/** Periods without a price in a direction that is priced by time of use. */
function unpriced(version: TariffVersion, direction: ChannelDirection): DocumentProblem[] {
  if (version.calendar === undefined) return [];
  const charges = version.charges.filter(isMetered).filter((c) => directionOf(c) === direction);
  const priced = new Set(charges.flatMap((c) => (c.kind === 'tou' ? [c.period] : [])));
  if (priced.size === 0 || charges.some((charge) => charge.kind === 'energy')) return [];
  return periodsOf(version.calendar)
    .filter((period) => !priced.has(period))
    .map((period) => ({ at: 'charges', message: `no ${direction} price for period '${period}'` }));
}
