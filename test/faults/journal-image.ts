/** What the journal makes of an image of its disk. */
import { type Envelope, encodeEnvelope } from '../../domain/index.ts';
import { readContent } from '../../gateway/journal/batch.ts';
import { journalLimits } from '../../gateway/journal/ports.ts';
import { type Cursor, JournalReader } from '../../gateway/journal/reader.ts';
import { recover } from '../../gateway/journal/recovery.ts';
import type { SimulatedDisk } from './journal-disk.ts';
import { decode } from './journal-workload.ts';

export interface Seen {
  readonly unsealed: number[];
  readonly sealed: number[];
  readonly damage: number;
}

/** Every message that a journal opened on this disk would still deliver. */
export async function look(
  disk: SimulatedDisk,
  appended: ReadonlyMap<number, Envelope>,
): Promise<Seen> {
  const limits = journalLimits();
  const log = () => undefined;
  const found = await recover({ directory: '', files: disk, limits, log });
  const reader = new JournalReader({ directory: '', files: disk, table: found.table, limits, log });
  const unsealed: number[] = [];
  const first = found.table.first();
  let cursor: Cursor | undefined = first && { segment: first.id.number, offset: 0 };
  while (cursor !== undefined && !reader.atEnd(cursor)) {
    const { entries, next } = await reader.backlog(cursor, 1_000);
    for (const entry of entries) unsealed.push(idOf(entry.envelope, appended));
    cursor = next;
  }
  const sealed: number[] = [];
  for (const { seal } of found.seals) {
    const { content, missing } = await readContent(
      reader,
      (envelope) => {
        sealed.push(idOf(envelope, appended));
        return decode(envelope);
      },
      seal,
    );
    if (missing > 0 || content.framed.length !== seal.positions.length / 4) {
      throw new Error(`a batch lacks ${missing} messages`);
    }
  }
  return { unsealed, sealed, damage: found.damage.length };
}

const encoded = new WeakMap<Envelope, Buffer>();

/** Also proves that it is no phantom: byte for byte what was appended. */
function idOf(envelope: Envelope, appended: ReadonlyMap<number, Envelope>): number {
  const { id } = JSON.parse(Buffer.from(envelope.raw).toString('utf8')) as { id: number };
  const original = appended.get(id) as Envelope;
  const bytes = encoded.get(original) ?? encodeEnvelope(original);
  encoded.set(original, bytes);
  if (!bytes.equals(encodeEnvelope(envelope))) throw new Error(`phantom of message ${id}`);
  return id;
}
