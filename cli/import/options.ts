/** What the flags and the mapping file of an import say, checked before any file is opened. */
import { parse } from 'yaml';
import { isZone } from '../../billing/calendar/local.ts';
import { describeError, Fault, parseUnit } from '../../domain/index.ts';
import type { FormatOptions, SeriesMapping } from '../../ingest/formats/format.ts';
import type { CreateOptions } from './create.ts';

export interface ImportFlags {
  readonly createMeters?: boolean;
  readonly tariff?: string;
  readonly zone?: string;
  readonly unit?: string;
  /** `--no-close` makes it false. */
  readonly close?: boolean;
}

export interface ImportOptions {
  readonly format: FormatOptions;
  /** Undefined = nothing is created. */
  readonly create: CreateOptions | undefined;
  /** Lay out and close the days of the channels that were created. */
  readonly close: boolean;
}

/** Zone of NEM12 service points unless told otherwise: market time is UTC+10 without DST. */
export const NEM12_ZONE = 'Etc/GMT-10';

const TEXTS = ['timeColumn', 'valueColumn', 'unit', 'meter', 'channel', 'zone'] as const;
const MEMBERS: readonly string[] = [...TEXTS, 'intervalS', 'label', 'nem12Units'];

/** @param mapping text of the mapping file. Throws BAD_REQUEST, FILE_FORMAT. */
export function importOptions(flags: ImportFlags, mapping?: { file: string; text: string }) {
  if (flags.tariff !== undefined && flags.createMeters !== true) {
    throw bad('--tariff is for what --create-meters creates');
  }
  if (flags.unit !== undefined && parseUnit(flags.unit) === undefined) {
    throw bad(`--unit: '${flags.unit}' is no unit`);
  }
  if (flags.zone !== undefined && !isRegion(flags.zone)) {
    throw bad(`--zone: '${flags.zone}' is no zone of the IANA list, such as Australia/Sydney`);
  }
  const { nem12Units, ...mapped } = mapping === undefined ? {} : parseMapping(mapping);
  const series: SeriesMapping = {
    ...mapped,
    ...(flags.unit !== undefined && { unit: flags.unit }),
    ...(flags.zone !== undefined && { zone: flags.zone }),
  };
  const told = Object.keys(series).length > 0;
  const create: CreateOptions = { zone: flags.zone, tariff: flags.tariff };
  const options: ImportOptions = {
    format: { ...(told && { series }), ...(nem12Units !== undefined && { nem12Units }) },
    create: flags.createMeters === true ? create : undefined,
    close: flags.close !== false,
  };
  return options;
}

/** A region, not an offset: PostgreSQL reads '+10:00' the other way round. */
export function isRegion(zone: string): boolean {
  return /^[A-Za-z]/.test(zone) && isZone(zone);
}

type Mapping = SeriesMapping & { readonly nem12Units?: Readonly<Record<string, string>> };

function parseMapping({ file, text }: { file: string; text: string }): Mapping {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw new Fault('FILE_FORMAT', { file, detail: describeError(error) }, error);
  }
  const detail = mappingProblem(value);
  if (detail !== undefined) throw new Fault('FILE_FORMAT', { file, detail });
  return value as Mapping;
}

function mappingProblem(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return `expected members among ${MEMBERS.join(', ')}`;
  }
  const given = value as Record<string, unknown>;
  const strange = Object.keys(given).find((name) => !MEMBERS.includes(name));
  if (strange !== undefined) return `'${strange}' is none of ${MEMBERS.join(', ')}`;
  const noText = TEXTS.find((name) => !['undefined', 'string'].includes(typeof given[name]));
  if (noText !== undefined) return `${noText} is no text`;
  const { intervalS, label, nem12Units } = given;
  if (intervalS !== undefined && !(Number.isInteger(intervalS) && Number(intervalS) > 0)) {
    return 'intervalS is no whole number of seconds';
  }
  if (label !== undefined && label !== 'start' && label !== 'end') {
    return "label is 'start' or 'end'";
  }
  if (nem12Units === undefined) return undefined;
  const units = Object.values(Object(nem12Units) as object);
  const isTable = typeof nem12Units === 'object' && units.every((u) => typeof u === 'string');
  return isTable ? undefined : 'nem12Units is a table of suffix: unit';
}

function bad(detail: string): Fault {
  return new Fault('BAD_REQUEST', { detail });
}
