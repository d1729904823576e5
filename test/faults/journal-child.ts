/**
 * A process that appends to a journal and says what was acknowledged, for tests that kill it.
 * Arguments: directory, messages, messages at a time, [file to delete when the disk is full].
 * Prints `ack N`, `full N`, `failed N`, `done`; exits 70 when the journal cannot be trusted.
 */
import { rmSync, writeSync } from 'node:fs';
import { systemClock } from '../../cli/clock.ts';
import { cryptoRandom, describeError, isFault } from '../../domain/index.ts';
import { nodeFiles } from '../../gateway/journal/files.ts';
import { Journal } from '../../gateway/journal/journal.ts';
import { envelopeOf } from './journal-workload.ts';

const [directory = '', messages = '0', together = '1', filler] = process.argv.slice(2);

// Synchronous, so that a killed process has said what it acknowledged.
const say = (text: string) => writeSync(1, `${text}\n`);

const journal = await Journal.open({
  directory,
  files: nodeFiles,
  clock: systemClock,
  random: cryptoRandom,
  limits: { journalSegmentBytesMax: 48 * 1024 },
  onFailed: (fault) => {
    say(`exit ${describeError(fault)}`);
    process.exitCode = 70;
    // The refusals of this group still reach their senders.
    setImmediate(() => process.exit(70));
  },
});
say('open');

async function append(id: number): Promise<boolean> {
  try {
    await journal.append(envelopeOf(id, 50));
    say(`ack ${id}`);
    return true;
  } catch (error) {
    say(`${isFault(error, 'JOURNAL_FULL') ? 'full' : 'failed'} ${id}`);
    return false;
  }
}

let hasMadeRoom = filler === undefined;
for (let id = 1; id <= Number(messages); ) {
  const group: Promise<boolean>[] = [];
  for (let n = 0; n < Number(together) && id <= Number(messages); n += 1, id += 1) {
    group.push(append(id));
  }
  const isRefused = (await Promise.all(group)).includes(false);
  if (isRefused && !hasMadeRoom) {
    rmSync(filler as string);
    hasMadeRoom = true;
    say('room');
  }
}
say('done');
if (filler === 'hold') setInterval(() => undefined, 1_000);
else await journal.close();
