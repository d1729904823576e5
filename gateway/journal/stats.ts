/** Counters of this run, for conservation by hop and for metrics. */
export interface JournalStats {
  /** Messages appended and durable. */
  readonly messages: number;
  readonly messageBytes: number;
  /** Durable and not committed, earlier runs included. */
  readonly uncommittedMessages: number;
  readonly unsealedInMemory: number;
  readonly unsealedOnDisk: boolean;
  /** Batches. */
  readonly sealed: number;
  /** Readings and refused records in sealed batches: the sum of their `offered`. */
  readonly sealedRecords: number;
  /** Offers of batches that the outlet took, repeats included. */
  readonly offered: number;
  readonly committed: number;
  readonly resent: number;
  readonly outstanding: number;
  readonly waitingForOffer: number;
  /** Messages of sealed batches that damage made unreadable. */
  readonly missing: number;
  readonly segments: number;
  readonly segmentBytes: number;
  readonly removedSegments: number;
  /** Of these, before journalRetainMs because room was short. */
  readonly removedEarly: number;
  readonly syncs: number;
  readonly groups: number;
  readonly groupRecordsMax: number;
  /** Records of all kinds. */
  readonly records: number;
  readonly lastSyncMs: number;
  readonly failed: boolean;
}
