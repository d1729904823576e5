/** `meterline dlms read` and `dump`: values of a meter's objects, for people and for programs. */
import { Fault, parseObis } from '../../domain/index.ts';
import { type MeterTime, readClock } from '../../gateway/drivers/dlms/meter-clock.ts';
import type { DlmsSession } from '../../gateway/drivers/dlms/session.ts';
import type { GetResult, SelectedAttribute } from '../../gateway/protocols/dlms/fields.ts';
import type { Context } from '../context.ts';
import { table } from '../output/table.ts';
import type { Bench } from './bench.ts';
import { type ListedObject, nameOf, readObjectList, sayData, sayValue } from './objects.ts';

export interface ValueRow {
  readonly obis: string;
  readonly classId: number;
  readonly attribute: number;
  readonly name: string;
  readonly value: string;
}

const VALUE_CLASSES = [1, 3, 4];
/** scaler_unit of registers and extended registers. */
const SCALER_UNIT = 3;
const SCALED_CLASSES = [3, 4];
const PROFILE_CLASS = 7;
const BUFFER = 2;
/** Attributes asked for in one request: an answer stays within a few blocks. */
const LIST_MAX = 20;

/** The chosen objects, or all that hold one value. */
export async function readValues(
  ctx: Context,
  { driver, target }: Bench,
  chosen: readonly string[],
  json: boolean,
): Promise<void> {
  const { time, rows } = await driver.read(target, async (session) => {
    const listed = await readObjectList(session);
    const objects = chosen.length === 0 ? listed.filter(holdsValue) : choose(listed, chosen);
    return { time: await readClock(session), rows: await valuesOf(session, objects) };
  });
  if (json) {
    const { meterMs, driftMs, uncertainMs } = time;
    ctx.out(
      JSON.stringify({ meter: target.meter, clock: { meterMs, driftMs, uncertainMs }, rows }),
    );
    return;
  }
  ctx.out(
    table(
      [
        { head: 'OBIS', value: (r) => r.obis },
        { head: 'what', value: (r) => r.name },
        { head: 'value', right: true, value: (r) => r.value },
      ],
      rows,
    ),
  );
  ctx.out(sayClock(time));
}

/** Every attribute that may be read, but for the buffers of profiles. */
export async function dump(ctx: Context, { driver, target }: Bench, json: boolean): Promise<void> {
  const rows = await driver.read(target, async (session) => {
    const out: ValueRow[] = [];
    const objects = await readObjectList(session);
    for (const [done, { classId, instance, readable }] of objects.entries()) {
      ctx.progress.step(target.meter, done, objects.length, instance);
      const wanted = readable
        .filter((id) => id > 1 && !(classId === PROFILE_CLASS && id === BUFFER))
        .map((attributeId) => ({ classId, instance, attributeId, selection: undefined }));
      const results = await session.getList(wanted);
      wanted.forEach(({ attributeId }, i) => {
        out.push(row(classId, instance, attributeId, results[i], undefined));
      });
    }
    ctx.progress.clear();
    return out;
  });
  if (json) return ctx.out(JSON.stringify({ meter: target.meter, rows }));
  ctx.out(
    table(
      [
        { head: 'OBIS', value: (r) => r.obis },
        { head: 'class', right: true, value: (r) => r.classId },
        { head: 'attr', right: true, value: (r) => r.attribute },
        { head: 'what', value: (r) => r.name },
        { head: 'value', value: (r) => r.value },
      ],
      rows,
    ),
  );
}

export function sayClock({ driftMs, uncertainMs, doubtful }: MeterTime): string {
  const seconds = (driftMs / 1_000).toFixed(1);
  const direction = driftMs >= 0 ? 'ahead of' : 'behind';
  const doubt = doubtful ? '; the meter itself doubts it' : '';
  const bound = (uncertainMs / 1_000).toFixed(1);
  return `clock ${seconds.replace('-', '')} s ${direction} ours (± ${bound} s)${doubt}`;
}

async function valuesOf(
  session: DlmsSession,
  objects: readonly ListedObject[],
): Promise<ValueRow[]> {
  const wanted = objects.flatMap(({ classId, instance }): SelectedAttribute[] => {
    const at = { classId, instance, selection: undefined };
    const value = { ...at, attributeId: 2 };
    return SCALED_CLASSES.includes(classId)
      ? [value, { ...at, attributeId: SCALER_UNIT }]
      : [value];
  });
  const results: GetResult[] = [];
  for (let i = 0; i < wanted.length; i += LIST_MAX) {
    results.push(...(await session.getList(wanted.slice(i, i + LIST_MAX))));
  }
  return wanted.flatMap(({ classId, instance, attributeId }, i) => {
    if (attributeId !== 2) return [];
    const scale = SCALED_CLASSES.includes(classId) ? results[i + 1] : undefined;
    return [row(classId, instance, attributeId, results[i], scale)];
  });
}

function row(
  classId: number,
  instance: string,
  attribute: number,
  result: GetResult | undefined,
  scale: GetResult | undefined,
): ValueRow {
  const scaled = scale !== undefined && 'data' in scale ? scale.data : undefined;
  const value =
    result === undefined
      ? 'no answer'
      : 'error' in result
        ? `(${result.error})`
        : scaled === undefined
          ? sayData(result.data)
          : sayValue(result.data, scaled);
  return { obis: instance, classId, attribute, name: nameOf(instance), value };
}

function holdsValue({ classId, readable }: ListedObject): boolean {
  return VALUE_CLASSES.includes(classId) && readable.includes(2);
}

function choose(listed: readonly ListedObject[], chosen: readonly string[]): ListedObject[] {
  return chosen.map((code) => {
    if (parseObis(code) === undefined) {
      throw new Fault('BAD_REQUEST', { detail: `'${code}' is no OBIS code such as 1-0:1.8.0` });
    }
    const found = listed.find(({ instance }) => instance === code);
    if (found === undefined) throw new Fault('NOT_FOUND', { what: `${code} at this meter` });
    return found;
  });
}
