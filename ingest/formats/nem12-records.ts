/**
 * The grammar of NEM12: 100, {200, {300, {400}, {500}}}, 900. Fed line by line, it tells a sink of
 * streams and days and a list of problems; it keeps one day at a time.
 */
import { DecimalReader } from './decimal.ts';
import { type Nem12Day, Nem12DayBuilder } from './nem12-days.ts';
import { declareStream, type Nem12Stream, shown } from './nem12-streams.ts';
import { marketInstant, TRANS_CODES } from './nem12-tables.ts';
import type { ProblemList } from './problems.ts';

export interface Nem12Sink {
  stream(stream: Nem12Stream): void;
  day(stream: Nem12Stream, day: Nem12Day): void;
}

export interface Nem12Settings {
  /** Suffix -> UOM, for 200 records without one. */
  readonly units: Readonly<Record<string, string>>;
}

export class Nem12Records {
  readonly #sink: Nem12Sink;
  readonly #problems: ProblemList;
  readonly #settings: Nem12Settings;
  readonly #decimal = new DecimalReader();
  #line = 0;
  #begun = false;
  #ended = false;
  #saidAfterEnd = false;
  #streams = 0;
  #stream: Nem12Stream | undefined;
  /** Line of the 200 in force, usable or not; 0 = none. */
  #streamLine = 0;
  #daysInStream = 0;
  #day: Nem12DayBuilder | undefined;
  /** True when nothing more can be made of this file. */
  stopped = false;

  constructor(sink: Nem12Sink, problems: ProblemList, settings: Nem12Settings) {
    this.#sink = sink;
    this.#problems = problems;
    this.#settings = settings;
  }

  line(number: number, text: string): void {
    if (this.stopped) return;
    this.#line = number;
    const fields = splitRecord(text);
    const type = fields[0];
    if (type === undefined) return;
    if (type !== '400') this.#closeDay();
    this.#checkPlace(type);
    if (this.stopped) return;
    if (type === '200') this.#open200(fields);
    else if (type === '300') this.#open300(fields);
    else if (type === '400') this.#take400(fields);
    else if (type === '500') this.#take500(fields);
    else if (type === '900') this.#take900(fields);
    else if (type !== '100') this.#unknown(type);
    else this.#take100(fields);
  }

  /** After the last line: what is missing. */
  end(): void {
    if (this.stopped) return;
    this.#closeDay();
    if (this.#line === 0) {
      this.#line = 1;
      this.#bad(undefined, 'file is empty');
      return;
    }
    if (!this.#ended) this.#bad('RecordIndicator', 'record 900 is missing: the file is cut off');
    if (this.#streams === 0) {
      this.#bad('RecordIndicator', 'there is no 200 record: the file holds no metering data');
    }
  }

  #checkPlace(type: string): void {
    if (!this.#begun) {
      this.#begun = true;
      if (type !== '100' && type !== '250') {
        this.#bad('RecordIndicator', `record 100 is missing: the first record is '${shown(type)}'`);
      }
    } else if (type === '100' && !this.#ended) {
      this.#bad('RecordIndicator', 'a second 100 record');
    }
    if (!this.#ended || this.#saidAfterEnd) return;
    this.#saidAfterEnd = true;
    this.#bad('RecordIndicator', `record ${shown(type)} after the 900 that ends the file`);
  }

  #take100(fields: readonly string[]): void {
    const version = (fields[1] ?? '').toUpperCase();
    if (version === 'NEM13') {
      this.#refuseNem13();
      return;
    }
    if (version !== 'NEM12') {
      this.#bad('VersionHeader', `'${shown(fields[1] ?? '')}' is not NEM12`);
    }
    const made = fields[2] ?? '';
    if (made.length < 12 || marketInstant(made) === undefined) {
      this.#bad('DateTime', `'${shown(made)}' is no Date12`);
    }
    if ((fields[3] ?? '') === '') this.#note('FromParticipant', 'FromParticipant is empty');
    if ((fields[4] ?? '') === '') this.#note('ToParticipant', 'ToParticipant is empty');
    this.#checkLength(fields, 5);
  }

  #refuseNem13(): void {
    this.#bad('VersionHeader', 'NEM13 accumulation data: not read yet');
    this.stopped = true;
  }

  #open200(fields: readonly string[]): void {
    if (this.#streamLine !== 0 && this.#daysInStream === 0) {
      this.#problems.add(this.#streamLine, 'RecordIndicator', '200 record without a 300', false);
    }
    this.#streamLine = this.#line;
    this.#daysInStream = 0;
    this.#streams += 1;
    this.#stream = declareStream(fields, this.#line, this.#settings.units, this.#problems);
    this.#checkLength(fields, 10);
    if (this.#stream !== undefined) this.#sink.stream(this.#stream);
  }

  #open300(fields: readonly string[]): void {
    if (this.#streamLine === 0)
      return void this.#bad('RecordIndicator', '300 without a 200 before');
    this.#daysInStream += 1;
    // Under a 200 that was refused nobody can say how many values there should be.
    if (this.#stream === undefined) return;
    const minutes = this.#stream.intervalS / 60;
    this.#day = new Nem12DayBuilder(this.#line, minutes, this.#problems).open(
      fields,
      this.#decimal,
    );
  }

  #take400(fields: readonly string[]): void {
    if (this.#daysInStream === 0) this.#bad('RecordIndicator', '400 without a 300 before');
    else if (this.#day !== undefined) {
      this.#day.refine(this.#line, fields);
      this.#checkLength(fields, 6);
    } else if (this.#stream !== undefined) {
      this.#bad('RecordIndicator', '400 does not follow its 300');
    }
  }

  #take500(fields: readonly string[]): void {
    if (this.#daysInStream === 0) {
      this.#bad('RecordIndicator', '500 without a 300 before');
      return;
    }
    const code = fields[1] ?? '';
    if (code.length !== 1 || !TRANS_CODES.includes(code)) {
      this.#note('TransCode', `'${shown(code)}' is no TransCode`);
    }
    const read = fields[3] ?? '';
    if (read !== '' && (read.length !== 14 || marketInstant(read) === undefined)) {
      this.#note('ReadDateTime', `'${shown(read)}' is no Date14`);
    }
    this.#checkLength(fields, 5);
  }

  #take900(fields: readonly string[]): void {
    this.#ended = true;
    this.#streamLine = 0;
    this.#daysInStream = 0;
    this.#stream = undefined;
    this.#checkLength(fields, 1);
  }

  #unknown(type: string): void {
    if (type !== '250' && type !== '550') {
      const hint = /^[\d.]+$/.test(type) ? '; was a record wrapped over two lines?' : '';
      this.#bad('RecordIndicator', `'${shown(type)}' is no record${hint}`);
    } else if (this.#streams === 0) {
      this.#refuseNem13();
    } else {
      this.#bad('RecordIndicator', `NEM13 record ${type} in a NEM12 file`);
    }
  }

  #closeDay(): void {
    const builder = this.#day;
    if (builder === undefined) return;
    this.#day = undefined;
    const day = builder.finish();
    if (day !== undefined && this.#stream !== undefined) this.#sink.day(this.#stream, day);
  }

  #checkLength(fields: readonly string[], most: number): void {
    const more = fields.length - most;
    if (more > 0) this.#bad(undefined, `${more} fields more than record ${fields[0]} has`);
  }

  /** @returns false, so that checks read as one line */
  #bad(field: string | undefined, detail: string): false {
    this.#problems.add(this.#line, field, detail, true);
    return false;
  }

  #note(field: string, detail: string): void {
    this.#problems.add(this.#line, field, detail, false);
  }
}

/** Fields without the empty ones at the end, which spreadsheets add; none for a blank line. */
function splitRecord(text: string): string[] {
  const fields = text.split(',');
  // A 300 has hundreds of values; only the fields that are names and codes may be padded.
  if (!text.startsWith('300')) for (let i = 0; i < fields.length; i += 1) trimAt(fields, i);
  let length = fields.length;
  while (length > 0 && (fields[length - 1] as string).trim() === '') length -= 1;
  fields.length = length;
  return fields;
}

function trimAt(fields: string[], index: number): void {
  fields[index] = (fields[index] as string).trim();
}
