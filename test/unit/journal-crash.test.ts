/**
 * Goal: a gateway that crashes over and over, between a queue that forgets and a database that
 * comes and goes, delivers each acknowledged value under exactly one batch, and no other.
 */
import { expect, it } from 'vitest';
import { cryptoRandom } from '../../domain/index.ts';
import { Journal } from '../../gateway/journal/journal.ts';
import { type Chance, pick, SimulatedDisk, seededChance } from '../faults/journal-disk.ts';
import {
  decode,
  envelopeOf,
  faultyOutlet,
  forever,
  Judge,
  mortalClock,
  originOf,
} from '../faults/journal-workload.ts';

const SEED = Number(process.env['JOURNAL_SEED'] ?? Date.now() % 1_000_000_000);
const RUNS = 6;
const LIVES = 12;

const LIMITS = {
  journalSegmentBytesMax: 20_000,
  journalRetainMs: 0,
  journalPollMs: 2,
  journalSweepMs: 8,
  journalResendAfterMs: 15,
  journalResendFactorMax: 2,
  journalBackoffMsMax: 4,
  journalIntakeBytesMax: 4_000,
  journalUncommittedBatchesMax: 12,
  journalContentBatchesMax: 3,
  journalOriginsOpenMax: 3,
  batchReadingsMax: 20,
  batchMessagesMax: 8,
  batchLingerMs: 2,
};

interface World {
  disk: SimulatedDisk;
  readonly judge: Judge;
  readonly chance: Chance;
  readonly values: Map<number, number>;
  readonly acked: Set<number>;
}

/** One life of the gateway: appends until the disk stops at a random step. */
async function live(world: World, crashes: boolean): Promise<void> {
  const { chance, judge, values, acked, disk } = world;
  let isDead = false;
  let stepsLeft = crashes ? 1 + pick(chance, 60) : Number.POSITIVE_INFINITY;
  let died: () => void = () => undefined;
  const death = new Promise<void>((resolve) => {
    died = resolve;
  });
  disk.onStep = async () => {
    stepsLeft -= 1;
    if (stepsLeft <= 0 && !isDead) {
      isDead = true;
      died();
    }
    if (isDead) await forever();
    if (chance() < 0.3) await new Promise((resolve) => setImmediate(resolve));
  };
  const clock = mortalClock(() => isDead);
  const options = { directory: '', files: disk, clock, random: cryptoRandom, limits: LIMITS };
  const opening = await Promise.race([Journal.open(options), death]);
  if (opening !== undefined) {
    const faults = { chance, isDead: () => isDead, refuse: 0.15, lose: 0.1, commitsMax: 4 };
    opening.forward({ decode, originOf, outlet: faultyOutlet(judge, faults) });
    await Promise.race([appendSome(opening, world), death]);
    if (!crashes) await untilCommitted(opening);
    else await death;
  }
  world.disk = disk.image(chance, chance() < 0.3);
  for (const id of values.keys()) if (!acked.has(id) && judge.hasMessage(id)) acked.add(id);
}

async function appendSome(journal: Journal, { chance, values, acked }: World): Promise<void> {
  for (let bursts = 0; bursts < 30; bursts += 1) {
    const burst: Promise<void>[] = [];
    for (let n = pick(chance, 12); n > 0; n -= 1) {
      const id = values.size + 1;
      const count = chance() < 0.05 ? 20 + pick(chance, 90) : 1 + pick(chance, 7);
      values.set(id, count);
      const peer = chance() < 0.5 ? `M${id % 5}` : `key${id % 4}`;
      burst.push(
        journal.append(envelopeOf(id, count, peer)).then(() => {
          acked.add(id);
        }),
      );
    }
    await Promise.all(burst);
    if (chance() < 0.5) await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function untilCommitted(journal: Journal): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (journal.stats().uncommittedMessages > 0) {
    if (performance.now() > deadline) throw new Error(JSON.stringify(journal.stats()));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await journal.close();
}

it(`crashes at any step lose nothing and double nothing (seed ${SEED})`, async () => {
  console.log(`crash loops: JOURNAL_SEED=${SEED}`);
  const chance = seededChance(SEED);
  let acknowledged = 0;
  for (let run = 0; run < RUNS; run += 1) {
    const judge = new Judge();
    const disk = new SimulatedDisk();
    const world: World = { disk, judge, chance, values: new Map(), acked: new Set() };
    for (let life = 0; life < LIVES; life += 1) await live(world, true);
    await live(world, false);
    const { values, acked } = world;
    const lost = [...acked].filter((id) => {
      const count = values.get(id) as number;
      return judge.valuesOf(id, count) !== count;
    });
    expect({ lost, complaints: judge.complaints }).toEqual({ lost: [], complaints: [] });
    const uncommitted = [...judge.batches.keys()].filter((uid) => !judge.committed.has(uid));
    expect(uncommitted).toEqual([]);
    acknowledged += acked.size;
  }
  console.log(`${RUNS * LIVES} crashes, ${acknowledged} messages acknowledged`);
  expect(acknowledged).toBeGreaterThan(RUNS * 100);
}, 60_000);
