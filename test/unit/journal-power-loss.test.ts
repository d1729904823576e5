/**
 * Goal: whatever a power loss leaves on the disk, what was acknowledged is there, nothing else is,
 * and looking twice shows the same (design.md promise 1; threats.md section 6).
 */
import { expect, it } from 'vitest';
import { cryptoRandom, type Envelope } from '../../domain/index.ts';
import { Journal } from '../../gateway/journal/journal.ts';
import { type Chance, pick, SimulatedDisk, seededChance } from '../faults/journal-disk.ts';
import { look } from '../faults/journal-image.ts';
import {
  decode,
  envelopeOf,
  faultyOutlet,
  Judge,
  mortalClock,
  originOf,
} from '../faults/journal-workload.ts';

const SEED = Number(process.env['JOURNAL_SEED'] ?? Date.now() % 1_000_000_000);
const IMAGES_MIN = 1_200;

/** Small enough that segments roll, seal, are committed and go away while we look. */
const LIMITS = {
  journalSegmentBytesMax: 6_000,
  journalRetainMs: 0,
  journalPollMs: 2,
  journalSweepMs: 5,
  journalBackoffMsMax: 3,
  journalGroupBytesMax: 3_000,
  batchReadingsMax: 12,
  batchLingerMs: 1,
};

interface Shot {
  readonly image: SimulatedDisk;
  readonly step: string;
  readonly acked: readonly number[];
  readonly appended: number;
  /** Messages in batches that the outlet has taken, and in those that are committed. */
  readonly offered: ReadonlySet<number>;
  readonly committed: ReadonlySet<number>;
}

async function workload(chance: Chance, messages: number) {
  const disk = new SimulatedDisk();
  const judge = new Judge();
  const appended = new Map<number, Envelope>();
  const acked: number[] = [];
  const shots: Shot[] = [];
  let isOver = false;
  // The sets only change when a batch comes or is committed; many images share them.
  const idsOf = (uids: Iterable<string>) =>
    new Set(
      [...uids].flatMap((uid) => judge.batches.get(uid)?.blocks.map((b) => Number(b.meter)) ?? []),
    );
  disk.onStep = (step) => {
    if (isOver) return undefined;
    const state = { step, acked: [...acked], appended: appended.size };
    const offered = idsOf(judge.batches.keys());
    const committed = idsOf(judge.committed);
    for (let i = pick(chance, 4); i > 0; i -= 1) {
      shots.push({ ...state, image: disk.image(chance), offered, committed });
    }
    // A slow disk: whoever does not wait for it acknowledges too early.
    return chance() < 0.3 ? new Promise((resolve) => setImmediate(resolve)) : undefined;
  };
  const isDead = () => isOver;
  const clock = mortalClock(isDead);
  const journal = await Journal.open({
    directory: '',
    files: disk,
    clock,
    random: cryptoRandom,
    limits: LIMITS,
  });
  const faults = { chance, isDead, refuse: 0.1, lose: 0, commitsMax: 2 };
  journal.forward({ decode, originOf, outlet: faultyOutlet(judge, faults) });
  for (let id = 1; id <= messages; ) {
    const burst: Promise<unknown>[] = [];
    for (let n = 1 + pick(chance, 6); n > 0 && id <= messages; n -= 1, id += 1) {
      // Some longer than a sector and longer than a batch, so that tears hit the middle.
      const envelope = envelopeOf(id, 1 + pick(chance, chance() < 0.1 ? 150 : 6));
      appended.set(id, envelope);
      const own = id;
      burst.push(journal.append(envelope).then(() => acked.push(own)));
    }
    await Promise.all(burst);
    if (chance() < 0.3) await new Promise((resolve) => setTimeout(resolve, 3));
  }
  isOver = true;
  return { shots, appended, judge };
}

it(`every image after a power loss holds what was acknowledged (seed ${SEED})`, async () => {
  console.log(`power loss: JOURNAL_SEED=${SEED}`);
  const chance = seededChance(SEED);
  let images = 0;
  let torn = 0;
  let committedSeen = 0;
  while (images < IMAGES_MIN) {
    const { shots, appended, judge } = await workload(chance, 120);
    expect(judge.complaints).toEqual([]);
    for (const shot of shots) {
      images += 1;
      const seen = await look(shot.image, appended);
      const ids = new Set([...seen.unsealed, ...seen.sealed]);
      const lost = shot.acked.filter((id) => !ids.has(id) && !shot.committed.has(id));
      const twice = seen.unsealed.filter((id) => seen.sealed.includes(id) || shot.offered.has(id));
      const again = await look(shot.image, appended);
      expect({ step: shot.step, lost, twice, again }).toEqual({
        step: shot.step,
        lost: [],
        twice: [],
        again: { ...seen, damage: again.damage },
      });
      // Only what a crash cannot explain is reported again; a torn tail is gone.
      expect(again.damage).toBeLessThanOrEqual(seen.damage);
      if (seen.damage > 0) torn += 1;
      if (shot.committed.size > 0) committedSeen += 1;
    }
  }
  console.log(`${images} images, ${torn} of them damaged, ${committedSeen} with commits`);
  // The simulation must have done harm, or it proves nothing.
  expect(torn).toBeGreaterThan(20);
  expect(committedSeen).toBeGreaterThan(100);
}, 60_000);
