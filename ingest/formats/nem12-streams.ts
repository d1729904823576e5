/** The 200 record: which channel of which meter the values belong to. */
import type { StreamDeclaration } from './format.ts';
import {
  INTERVAL_MINUTES,
  INTERVAL_MINUTES_TOLERATED,
  marketInstant,
  suffixMeaning,
  unitOfUom,
} from './nem12-tables.ts';
import type { ProblemList } from './problems.ts';

/** A stream as its 200 record declares it; the decimals come from the values. */
export type Nem12Stream = Omit<StreamDeclaration, 'decimals'> & { readonly key: string };

/** More than any market uses; keeps what one file can make us remember small. */
const NAME_CHARS_MAX = 32;

/** @returns undefined when the stream cannot be used; why is in `problems` */
export function declareStream(
  fields: readonly string[],
  line: number,
  units: Readonly<Record<string, string>>,
  problems: ProblemList,
): Nem12Stream | undefined {
  const [, nmi = '', configuration = '', , suffix = '', , serial = ''] = fields;
  const check = new StreamCheck(line, problems);
  check.nmi(nmi);
  check.suffix(suffix, configuration);
  if (serial.length > NAME_CHARS_MAX) {
    check.bad('MeterSerialNumber', `'${shown(serial)}' is too long`);
  }
  const unit = check.unit(fields[7] ?? '', suffix, units);
  const minutes = check.minutes(fields[8] ?? '');
  check.nextRead(fields[9] ?? '');
  if (!check.good) return undefined;
  return {
    key: `${nmi},${serial},${suffix},${unit},${minutes}`,
    meter: serial === '' ? nmi : serial,
    channel: suffix,
    servicePoint: nmi,
    ...(serial === '' ? {} : { serial }),
    unit,
    intervalS: minutes * 60,
    localDays: false,
    ...suffixMeaning(suffix),
    line,
  };
}

class StreamCheck {
  good = true;
  readonly #line: number;
  readonly #problems: ProblemList;

  constructor(line: number, problems: ProblemList) {
    this.#line = line;
    this.#problems = problems;
  }

  nmi(nmi: string): void {
    if (nmi === '') this.bad('NMI', 'NMI is empty');
    else if (nmi.length > NAME_CHARS_MAX) this.bad('NMI', `'${shown(nmi)}' is no NMI`);
    else if (nmi.length !== 10) this.#note('NMI', `NMI '${nmi}' has not 10 characters`);
  }

  suffix(suffix: string, configuration: string): void {
    const listed: readonly string[] = configuration.match(/../g) ?? [];
    if (suffix === '') this.bad('NMISuffix', 'NMISuffix is empty');
    else if (!/^[A-Za-z0-9]{1,2}$/.test(suffix)) {
      this.bad('NMISuffix', `'${shown(suffix)}' is no NMISuffix`);
    } else if (!listed.includes(suffix)) {
      this.#note('NMIConfiguration', `'${shown(configuration)}' does not list ${suffix}`);
    }
  }

  unit(uom: string, suffix: string, units: Readonly<Record<string, string>>): string {
    const given = uom === '' && Object.hasOwn(units, suffix) ? (units[suffix] as string) : uom;
    const unit = unitOfUom(given);
    if (unit !== undefined) return unit;
    if (given === '') this.bad('UOM', `UOM is mandatory and empty for suffix ${shown(suffix)}`);
    else this.bad('UOM', `'${shown(given)}' is no UOM`);
    return '';
  }

  minutes(text: string): number {
    const minutes = /^\d{1,3}$/.test(text) ? Number(text) : 0;
    if (INTERVAL_MINUTES.includes(minutes)) return minutes;
    if (INTERVAL_MINUTES_TOLERATED.includes(minutes)) {
      this.#note('IntervalLength', `IntervalLength ${minutes} is none of 5, 15 and 30`);
    } else {
      this.bad('IntervalLength', `'${shown(text)}' is no IntervalLength`);
    }
    return minutes;
  }

  nextRead(text: string): void {
    if (text === '' || (text.length === 8 && marketInstant(text) !== undefined)) return;
    this.#note('NextScheduledReadDate', `'${shown(text)}' is no Date8`);
  }

  bad(field: string, detail: string): void {
    this.good = false;
    this.#problems.add(this.#line, field, detail, true);
  }

  #note(field: string, detail: string): void {
    this.#problems.add(this.#line, field, detail, false);
  }
}

/** Text from a file in a sentence for people: never long. */
export function shown(text: string): string {
  return text.length <= 20 ? text : `${text.slice(0, 20)}…`;
}
