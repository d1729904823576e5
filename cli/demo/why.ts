/** One amount of one bill, followed back to the bytes a meter sent. */
import { explainInvoice } from '../../billing/invoices/explain.ts';
import type { RunItem } from '../../db/bill-runs.ts';
import type { Queryable } from '../../db/pool.ts';
import { estimationsOf } from '../../db/vee-results.ts';
import { findRaw } from '../import/raw.ts';

/** An invoice with an estimate in it where there is one, and what stands behind its first line. */
export async function whyThisAmount(
  db: Queryable,
  issued: readonly RunItem[],
  wrong: string[],
): Promise<string> {
  const number = issued.find((r) => r.state === 'issued')?.invoice_number;
  if (number == null) return 'no invoice was issued';
  const { invoice, lines, determinants } = await explainInvoice(db, number);
  if (!determinants.every((d) => d.verified)) wrong.push(`${number} does not explain itself`);
  const line = lines[0];
  const determinant = determinants.find((d) => line?.determinants.includes(d.code));
  const interval = determinant?.rows[0];
  if (line === undefined || determinant === undefined || interval === undefined) return number;
  const channels = invoice.snapshot['channels'] as readonly { meter: string; code: string }[];
  const { meter = '', code = '' } = channels[0] ?? {};
  const { channelId, startMs, batchId } = interval;
  const raw = await findRaw(db, batchId, { serial: meter, channelCode: code, startMs });
  const estimated = determinants.flatMap((d) => d.rows).find((r) => r.quality.startsWith('EST'));
  const made =
    estimated && (await estimationsOf(db, channelId, estimated.startMs, estimated.startMs + 1));
  return [
    `${number}  line ${line.code}: ${line.quantity} ${line.unit} x ${line.price} = ${line.exact}, printed ${line.amount}`,
    `  determinant ${determinant.code}: ${determinant.intervals} of ${determinant.expected} intervals, ` +
      `${determinant.estimated} estimated; the versions known then add up to the same`,
    `  interval ${interval.start}: ${interval.value} ${determinant.unit}, ${interval.quality}, version ${batchId}`,
    `  raw record, ${raw?.source} ${raw?.locator}: ${raw?.excerpt.slice(0, 110) ?? 'aged out'}`,
    ...(made?.[0] === undefined
      ? []
      : [
          `  estimated ${estimated?.start}: ${made[0].method} from ${JSON.stringify(made[0].basis)}`,
        ]),
  ].join('\n');
}
