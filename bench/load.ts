/** The same readings for both sides of a comparison: as pushes for the line, as rows for COPY. */
import { ReadingCopyBuffer } from '../db/copy.ts';
import { hashSecret } from '../db/master.ts';
import type { Database } from '../db/pool.ts';
import { formatInstant, OBIS } from '../domain/index.ts';

export const QUARTER_MS = 900_000;
export const DAY_SLOTS = 96;
export const SECRET = 'a-meter-secret-of-some-length-123456';

/** Meters [firstMeter, firstMeter + meters) over `slots` quarter hours from startMs on. */
export interface Rectangle {
  readonly firstMeter: number;
  readonly meters: number;
  readonly startMs: number;
  readonly slots: number;
}

export interface Load extends Rectangle {
  /** A push holds this many meters ... */
  readonly metersAPush: number;
  /** ... and this many intervals of each. */
  readonly slotsAPush: number;
}

export function serialOf(meter: number): string {
  return `B${String(meter).padStart(7, '0')}`;
}

/** Watt-hours; any plausible number that both sides agree on. */
export function wattHours(meter: number, startMs: number): number {
  return 40 + ((meter * 31 + (startMs / QUARTER_MS) * 17) % 460);
}

export function readingsIn(load: Rectangle): number {
  return load.meters * load.slots;
}

/** In the order in which they are sent: earlier slots first. */
export function pushesOf(load: Load): Rectangle[] {
  const pushes: Rectangle[] = [];
  for (let slot = 0; slot < load.slots; slot += load.slotsAPush) {
    for (let meter = 0; meter < load.meters; meter += load.metersAPush) {
      pushes.push({
        firstMeter: load.firstMeter + meter,
        meters: Math.min(load.metersAPush, load.meters - meter),
        startMs: load.startMs + slot * QUARTER_MS,
        slots: Math.min(load.slotsAPush, load.slots - slot),
      });
    }
  }
  return pushes;
}

export function ndjsonOf(push: Rectangle): Buffer {
  const start = formatInstant(push.startMs);
  let text = '';
  for (let n = 0; n < push.meters; n += 1) {
    const meter = push.firstMeter + n;
    const values = Array.from({ length: push.slots }, (_, slot) =>
      wattHours(meter, push.startMs + slot * QUARTER_MS),
    );
    const head = `{"meter":"${serialOf(meter)}","channel":"${OBIS.importActive}"`;
    text += `${head},"start":"${start}","interval_s":900,"values":[${values.join(',')}]}\n`;
  }
  return Buffer.from(text);
}

/** The rows of a load as finished binary COPYs of `rowsACopy`, in the order of its pushes. */
export function copiesOf(load: Load, rowsACopy: number): Buffer[] {
  const copies: Buffer[] = [];
  let left = readingsIn(load);
  let buffer = new ReadingCopyBuffer(Math.min(left, rowsACopy));
  for (const push of pushesOf(load)) {
    for (let n = 0; n < push.meters; n += 1) {
      const meter = push.firstMeter + n;
      for (let slot = 0; slot < push.slots; slot += 1) {
        const startMs = push.startMs + slot * QUARTER_MS;
        buffer.push(startMs, wattHours(meter, startMs), 1, channelOf(meter), 20, 0);
        left -= 1;
        if (buffer.rows < rowsACopy && left > 0) continue;
        copies.push(buffer.finish());
        buffer = new ReadingCopyBuffer(Math.min(Math.max(left, 1), rowsACopy));
      }
    }
  }
  return copies;
}

/** Channel ids of a fleet in an empty database follow the meters. */
export function channelOf(meter: number): number {
  return meter + 1;
}

/** Meters 0 .. meters-1 with one import channel each, into an empty database. */
export async function loadFleet(db: Database, meters: number): Promise<void> {
  await db.query(
    `INSERT INTO meter (serial, protocol, secret_hash)
     SELECT 'B' || lpad(n::text, 7, '0'), 'mqtt', $2 FROM generate_series(0, $1::int - 1) AS n
     ORDER BY n`,
    [meters, hashSecret(SECRET)],
  );
  await db.query(
    `INSERT INTO channel (meter_id, code, kind, direction, unit, interval_s)
     SELECT id, $1, 'interval', 'import', 'Wh', 900 FROM meter ORDER BY serial`,
    [OBIS.importActive],
  );
  const [row] = await db.query<{ wrong: bigint }>(
    `SELECT count(*) AS wrong FROM channel c JOIN meter m ON m.id = c.meter_id
     WHERE c.id <> substr(m.serial, 2)::int + 1`,
  );
  if (row?.wrong !== 0n) throw new Error('channel ids do not follow the meters');
  await db.query('ANALYZE meter, channel');
}
