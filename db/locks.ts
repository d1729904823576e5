/** Advisory locks that processes agree on. Two-part locks: this class, then the member. */
export const LOCKS = {
  /**
   * Held shared by every ingest transaction. Whoever closes days moves ledger_mark, commits, then
   * takes and drops it exclusively: after that no transaction is left that knew the old mark.
   */
  ledgerMark: 7_211_910,
  /** Class; member = channel id modulo LIMITS.channelBuckets. */
  channelBucket: 7_211_911,
} as const;
