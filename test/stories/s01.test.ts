/**
 * S01: a month of time-of-use with a 23-hour day, a day sent twice, two days in the wrong order, a
 * late correction and a meter nobody knows; the preview equals the bill to the last digit.
 * Real rooms: JSON messages through the journal, BullMQ, ingest, the ledger and billing.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import { addDays, localDays } from '../../billing/calendar/local.ts';
import { runShard, startRun } from '../../billing/invoices/run.ts';
import { acceptTariff } from '../../billing/tariffs/parse.ts';
import { runItems } from '../../db/bill-runs.ts';
import { trialBalance } from '../../db/books.ts';
import { batchTotals } from '../../db/conservation.ts';
import { invoiceLines, invoiceTaxes } from '../../db/invoices.ts';
import { readingVersions } from '../../db/readings.ts';
import { saveTariff } from '../../db/tariffs.ts';
import { formatInstant } from '../../domain/index.ts';
import { nodeFiles } from '../../gateway/journal/files.ts';
import { Journal } from '../../gateway/journal/journal.ts';
import { BullBatchOutlet } from '../../gateway/outlet/bull-outlet.ts';
import { decode, originOf } from '../../gateway/payload/decode.ts';
import { closeAllDue, layOutDays } from '../../ingest/ledger/worker.ts';
import { openPipeline, type PipelineDeps } from '../../ingest/pipeline/process-batch.ts';
import { type IngestWorker, startIngestWorker } from '../../ingest/pipeline/worker.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { fixedClock, home, load, seededBytes } from '../support/world.ts';

type Story = { inputs: Record<string, never>; expected: Record<string, never> };
// biome-ignore lint/suspicious/noExplicitAny: the story is a document, read by its own words
const story: any = parse(await readFile(new URL('./s01.yaml', import.meta.url), 'utf8')) as Story;

const QUARTER_MS = 900_000;
const METER = 'M-S01';

/** The load formula of the story: wall-clock hour from the zone, i by elapsed time. */
function dayValues(date: string, d: number): { fromMs: number; values: number[] } {
  const [day] = localDays(story.inputs.zone, date, addDays(date, 1));
  const { fromMs, toMs } = day!;
  const hour = new Intl.DateTimeFormat('en-GB', {
    timeZone: story.inputs.zone,
    hour: '2-digit',
    hourCycle: 'h23',
  });
  const values: number[] = [];
  for (let at = fromMs, i = 0; at < toMs; at += QUARTER_MS, i += 1) {
    const h = Number(hour.format(at));
    values.push(180 + 15 * ((7 * i + 3 * d) % 11) + 160 * (h >= 19 ? 1 : 0) * (h < 23 ? 1 : 0));
  }
  return { fromMs, values };
}

describe('story S01', () => {
  let t: TestDatabase;
  let directory: string;
  let journal: Journal;
  let outlet: BullBatchOutlet;
  let worker: IngestWorker;
  let pipeline: PipelineDeps;
  const clock = fixedClock(Date.parse('2026-04-02T12:00:00Z'));
  const [from, to] = ['2026-03-01', '2026-04-01'];
  const prefix = `s01-${process.pid}`;

  /** One message as the meter's JSON, acknowledged after the journal's fsync, then committed. */
  async function send(meter: string, fromMs: number, values: readonly number[]): Promise<void> {
    const start = formatInstant(fromMs);
    const reading = { channel: '1-0:1.8.0', start, interval_s: 900, values, unit: 'Wh' };
    await journal.append({
      source: 'mqtt',
      peer: meter,
      receivedMs: clock.nowMs(),
      contentType: 'application/json',
      locator: `v1/${meter}/up/readings`,
      raw: Buffer.from(JSON.stringify({ readings: [reading] })),
    });
    await settled();
  }

  async function settled(): Promise<void> {
    await expect
      .poll(() => journal.stats().uncommittedMessages + journal.stats().outstanding, {
        timeout: 30_000,
        interval: 20,
      })
      .toBe(0);
  }

  beforeAll(async () => {
    t = await freshDatabase('s01');
    await load(t.db, home('S01', { zone: story.inputs.zone, tariff: 's01', contract: {} }));
    const { calendar, charges, taxes, currency } = story.inputs;
    const tariff = acceptTariff({
      code: 's01',
      name: 'Story S01',
      currency,
      minorDigits: 2,
      rounding: { mode: 'HALF_UP', place: 'line' },
      versions: [
        {
          from,
          calendar: {
            holidays: calendar.holidays,
            restDays: calendar.rest_days,
            days: { weekday: calendar.weekday, rest: calendar.rest },
          },
          charges,
          taxes,
          dueDays: 20,
        },
      ],
    });
    await t.db.transaction((tx) => saveTariff(tx, 's01', tariff, 'test'));
    directory = await mkdtemp(join(tmpdir(), 'meterline-s01-'));
    const random = seededBytes(1);
    journal = await Journal.open({ directory, files: nodeFiles, clock, random });
    outlet = new BullBatchOutlet({ redisUrl: inject('redisUrl'), db: t.db, clock, prefix });
    journal.forward({ decode, originOf, outlet });
    pipeline = openPipeline(t.db, clock);
    worker = startIngestWorker({ redisUrl: inject('redisUrl'), pipeline, prefix });
    await worker.ready();
  });

  afterAll(async () => {
    await journal.close();
    await worker.close();
    await outlet.close();
    await t.drop();
    await rm(directory, { recursive: true });
  });

  it('keeps account of every record, whatever its order', async () => {
    const dates = localDays(story.inputs.zone, from, to).map((day) => day.date);
    const order = [...dates];
    [order[11], order[12]] = [order[12]!, order[11]!];
    for (const date of order) {
      const { fromMs, values } = dayValues(date, dates.indexOf(date));
      await send(METER, fromMs, values);
    }
    const again = dayValues('2026-03-10', 9);
    await send(METER, again.fromMs, again.values);
    const fifth = dayValues('2026-03-05', 4);
    await send(METER, fifth.fromMs + 40 * QUARTER_MS, [770]);
    await send('GHOST-1', fifth.fromMs, [1, 2, 3, 4]);
    expect(await batchTotals(t.db)).toEqual(story.expected.conservation);
  });

  it('keeps both versions of the corrected interval', async () => {
    const { start, v1, v2 } = story.expected.versions;
    const [channel] = await t.db.query<{ id: number }>('SELECT id FROM channel');
    const versions = await readingVersions(t.db, channel!.id, Date.parse(start));
    expect(versions.map((v) => Number(v.value))).toEqual([v1, v2]);
    expect(versions.map((v) => v.superseded !== undefined)).toEqual([true, false]);
  });

  it('expects 92 intervals on the day of the change and misses none', async () => {
    await layOutDays({ pipeline, random: seededBytes(2) });
    await closeAllDue({ pipeline, random: seededBytes(3) });
    const days = await t.db.query<Record<string, number | string>>(
      `SELECT local_date, expected, received, estimated, missing FROM channel_day
       WHERE local_date >= $1 AND local_date < $2 ORDER BY 1`,
      [from, to],
    );
    const sum = (key: string) => days.reduce((total, day) => total + Number(day[key]), 0);
    const { intervals } = story.expected;
    expect(sum('expected')).toBe(intervals.expected);
    expect(sum('missing')).toBe(intervals.missing);
    expect(sum('estimated')).toBe(intervals.estimated);
    const change = days.find((day) => day['local_date'] === '2026-03-29');
    expect(change?.['expected']).toBe(intervals.on_2026_03_29);
  });

  const run = async (mode: 'preview' | 'issue', key: string) => {
    const deps = { db: t.db, clock, random: seededBytes(key) };
    const request = { mode, from, to, filter: {}, actor: 'test', idempotencyKey: key };
    const { run: made } = await startRun(deps, request);
    await runShard(deps, made.id, 0);
    const [item] = await runItems(t.db, made.id, 0, 10);
    return item!;
  };

  it('previews without touching the books, and issues the same figures', async () => {
    const preview = await run('preview', 'preview-1');
    expect(preview).toMatchObject({ state: 'previewed', total: story.expected.preview.total });
    expect(await trialBalance(t.db)).toEqual([]);
    const issued = await run('issue', 'issue-1');
    expect(issued).toMatchObject({ state: 'issued', total: preview.total });
    expect(issued.input_hash).toBe(preview.input_hash);
    expect(await run('issue', 'issue-1')).toEqual(issued);
    // another run over the same period: the standing invoice is the answer
    const again = await run('issue', 'issue-2');
    expect(again.invoice_number).toBe(issued.invoice_number);
    const [count] = await t.db.query<{ n: bigint }>('SELECT count(*) AS n FROM invoice');
    expect(count?.n).toBe(1n);
  });

  it('prints the lines, taxes and books of the story', async () => {
    const [invoice] = await t.db.query<{ number: string; net: string; total: string }>(
      'SELECT number, net, total FROM invoice',
    );
    const { lines, taxes, net, total } = story.expected.invoice;
    expect(invoice).toMatchObject({ net, total });
    const printed = await invoiceLines(t.db, invoice!.number);
    expect(printed.map(({ code, unit, price, amount }) => ({ code, unit, price, amount }))).toEqual(
      lines.map(({ code, unit, price, amount }: Record<string, string>) => ({
        code,
        unit,
        price,
        amount,
      })),
    );
    expect(printed.map((line) => Number(line.quantity))).toEqual(
      lines.map((line: { qty: string }) => Number(line.qty)),
    );
    expect(await invoiceTaxes(t.db, invoice!.number)).toEqual(taxes);
    const books = await trialBalance(t.db);
    const expected = story.expected.ledger as { cr: string; amount: string }[];
    for (const { cr, amount } of expected) {
      expect(books.find((row) => row.ledger_account === cr)?.credit).toBe(amount);
    }
    expect(books.find((row) => row.ledger_account === 'receivable')?.debit).toBe(total);
  });
});
