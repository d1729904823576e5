/** What an import says in the end: a table and reasons for people, one object for programs. */
import { LIMITS } from '../../domain/index.ts';
import type { Problem } from '../../ingest/formats/format.ts';
import { type Column, table, thousands } from '../output/table.ts';
import type { FileOutcome, ImportedFile } from './import-file.ts';

const COLUMNS: readonly Column<ImportedFile>[] = [
  { head: 'file', value: (f) => f.file },
  { head: 'streams', right: true, value: (f) => thousands(f.streams) },
  { head: 'intervals', right: true, value: (f) => thousands(f.intervals) },
  { head: 'absent', right: true, value: (f) => thousands(f.absent) },
  { head: 'offered', right: true, value: (f) => thousands(f.counts.offered) },
  { head: '= stored', right: true, value: (f) => thousands(f.counts.stored) },
  { head: '+ duplicate', right: true, value: (f) => thousands(f.counts.duplicate) },
  { head: '+ rejected', right: true, value: (f) => thousands(f.counts.rejected) },
  { head: '+ quarantined', right: true, value: (f) => thousands(f.counts.quarantined) },
  { head: 'seconds', right: true, value: (f) => f.seconds.toFixed(2) },
  { head: 'readings/s', right: true, value: (f) => thousands(rateOf(f)) },
];

export function rateOf({ counts, seconds }: ImportedFile): number {
  return seconds === 0 ? 0 : Math.round(counts.offered / seconds);
}

/** 'march.csv:7: IntervalValue3: ...' as compilers and editors write places. */
export function sayProblem(file: string, { line, field, detail }: Problem): string {
  return [`${file}:${line}`, ...(field === undefined ? [] : [field]), detail].join(': ');
}

export function reportText(outcomes: readonly FileOutcome[], recovered: number): string {
  const parts: string[] = [];
  if (recovered > 0) {
    parts.push(`${thousands(recovered)} messages of an interrupted import were delivered first`);
  }
  for (const outcome of outcomes) if (outcome.state === 'refused') parts.push(refusedText(outcome));
  const imported = outcomes.filter((o): o is ImportedFile => o.state === 'imported');
  if (imported.length > 0) parts.push(table(COLUMNS, imported));
  for (const file of imported) parts.push(...detailText(file));
  return parts.join('\n');
}

function refusedText({ file, problems }: Extract<FileOutcome, { state: 'refused' }>): string {
  const fatal = problems.filter((problem) => problem.fatal);
  const head = `${file} is refused, nothing of it is stored:`;
  return [head, ...fatal.map((problem) => `  ${sayProblem(file, problem)}`)].join('\n');
}

function detailText(file: ImportedFile): string[] {
  const said: string[] = [];
  for (const { fate, code, records, at, reason } of file.refused) {
    said.push(`${thousands(records)} ${fate} ${code}, first at ${at}: ${reason}`);
  }
  const { created, closed, problems } = file;
  if (created !== undefined) {
    const { servicePoints, meters, channels, agreements } = created;
    const rows = `${servicePoints} service points, ${meters} meters, ${channels.length} channels`;
    said.push(`created ${rows}, ${agreements} agreements`);
  }
  if (closed !== undefined) {
    const { laidOut, complete, estimated, missing } = closed;
    const gaps = `${thousands(estimated)} intervals estimated, ${thousands(missing)} missing`;
    said.push(`${thousands(laidOut)} channel-days, ${thousands(complete)} complete; ${gaps}`);
  }
  const notes = problems.slice(0, LIMITS.importNotesShown);
  const more = problems.length - notes.length;
  if (more > 0) said.push(`${more} more notes than these; --json lists them`);
  return [
    ...said.map((text) => `${file.file}: ${text}`),
    ...notes.map((note) => `note: ${sayProblem(file.file, note)}`),
  ];
}

/** For programs: the outcomes with the rate, the problems as sentences beside their parts. */
export function reportJson(outcomes: readonly FileOutcome[], recovered: number): string {
  const files = outcomes.map((outcome) => ({
    ...outcome,
    ...(outcome.state === 'imported' && { readings_per_s: rateOf(outcome) }),
    problems: outcome.problems.map((p) => ({ ...p, text: sayProblem(outcome.file, p) })),
  }));
  return JSON.stringify({ recovered, files });
}
