/**
 * Every bound in the system, so that a reader can see them together.
 * A name ends with its unit; a relation that must hold is asserted below.
 */
import { ok } from 'node:assert';

export const LIMITS = {
  // Messages and batches
  messageBytesMax: 256 * 1024, // one MQTT publish
  messageReadingsMax: 10_000, // readings in one message
  pushBodyBytesMax: 8 * 1024 ** 2, // one HTTP head-end push
  pushReadingsMax: 200_000, // readings in one HTTP push
  pushProblemsMax: 1_000, // problems listed before we stop and say so (threats.md, finding 11)
  batchReadingsMax: 20_000, // readings in one job and one COPY
  batchMessagesMax: 2_000, // messages in one job
  batchBytesMax: 4 * 1024 ** 2, // raw payload in one job before compression
  batchLingerMs: 50, // a batch is sealed after this even when small
  serialCharsMax: 64,
  payloadDecimalsMax: 9,
  payloadIntervalSMax: 86_400 * 31, // a month in one interval
  payloadRecordProblemsMax: 10, // problems told of one record
  eventDetailCharsMax: 500,
  valueMax: Number.MAX_SAFE_INTEGER,

  // Journal
  journalSegmentBytesMax: 64 * 1024 ** 2,
  journalBytesMax: 2 * 1024 ** 3,
  journalRecordBytesMax: 9 * 1024 ** 2,
  journalGroupRecordsMax: 4_096, // records per fdatasync
  journalGroupWaitMsMax: 5, // threats.md section 6 row 1
  journalUncommittedBatchesMax: 256, // sealed batches waiting for the database in memory
  journalSweepMs: 5_000, // how often forgotten batches are looked for
  journalResendAfterMs: 30_000, // a batch not committed by then is offered to the queue again
  journalPendingBytesMax: 64 * 1024 ** 2, // appended and not yet synced; beyond: JOURNAL_FULL
  journalGroupBytesMax: 4 * 1024 ** 2, // bytes per fdatasync
  journalBusyRecords: 32, // records in the last journalGroupWaitMsMax from which gathering pays
  journalIntakeBytesMax: 16 * 1024 ** 2, // durable, not yet sealed, in memory; beyond: read from disk
  journalOriginsOpenMax: 64, // batches being filled at once; beyond: the oldest is sealed
  journalContentBatchesMax: 8, // sealed batches with their content in memory; beyond: read from disk
  journalPollMs: 250, // how soon after an offer the database is asked
  journalOfferTimeoutMs: 30_000, // an outlet that does not answer counts as failed
  journalBackoffMsMax: 5_000,
  journalResendFactorMax: 16, // pauses between repeats grow to this many journalResendAfterMs
  journalRetainMs: 24 * 3_600_000, // committed segments are kept this long
  journalCloseMsMax: 5_000,

  // MQTT
  mqttConnectTimeoutMs: 5_000,
  mqttClientsMax: 50_000,
  mqttTopicLevelsMax: 6,
  mqttSubscriptionsMax: 20,
  mqttKeepaliveSMax: 1_200,
  mqttInflightMax: 200, // publishes of one client, or of one external broker, waiting for the disk
  mqttConnectBytesMax: 4 * 1024, // the first packet of a connection
  mqttRatePerS: 10, // publishes a second of one meter (threats.md T28) ...
  mqttRateBurst: 200, // ... after this many at once
  mqttAcceptPerS: 200, // new connections a second (T29) ...
  mqttAcceptBurst: 1_000, // ... after this many at once
  mqttDeniedMax: 20, // refused subscriptions before the connection is closed
  mqttStallMsMax: 30_000, // the journal may refuse this long before the connection is closed
  mqttStallRetryMs: 500,
  mqttReconnectMs: 1_000, // to an external broker

  // HDLC and DLMS
  hdlcFrameBytesMax: 2_047, // the format field has eleven bits of length
  hdlcInfoBytesMax: 2_030, // IEC 62056-46, 6.4.4.4.3.2
  hdlcWindowFramesMax: 7,
  hdlcMessageBytesMax: 128 * 1024, // one APDU joined from segments
  hdlcNotifiersMax: 32, // stations whose segmented pushes are joined at the same time
  hdlcEventsMax: 256, // link events not yet taken
  hdlcRetriesMax: 3,
  hdlcAnswerMs: 3_000,
  hdlcPollMs: 200, // between polls of a station that is busy or has no answer yet
  hdlcPollsMax: 150,
  hdlcHoldMs: 1_000, // how long a server keeps the poll while it thinks
  hdlcInactivityMs: 120_000,
  dlmsApduBytesMax: 65_535,
  dlmsMessageBytesMax: 4 * 1024 ** 2, // one service joined from blocks
  dlmsBlocksMax: 65_535,
  dlmsDepthMax: 16,
  dlmsElementsMax: 65_535, // in one array or structure
  dlmsElementsTotalMax: 1_048_576, // in one APDU, nested ones counted
  dlmsElementsPerOctetMax: 64, // a compact-array may name many empty elements in few octets
  dlmsListMax: 1_024, // attributes of one with-list service, ACCESS specifications
  dlmsChallengeBytesMax: 64,
  dlmsGbtWindowMax: 63,
  dlmsGbtRetriesMax: 3,
  dlmsConnectMs: 5_000,
  dlmsAnswerMs: 10_000, // one request and its answer; over HDLC with its repetitions
  dlmsReleaseMs: 2_000, // many meters never answer a release
  dlmsTriesMax: 3, // of a whole session that only reads
  dlmsRetryPauseMs: 1_000, // doubled with each try
  dlmsCounterBlock: 256, // invocation counters reserved at a time (threats.md section 5)
  dlmsCounterJumpMax: 1_000_000, // further ahead a meter is not believed; a person has to look
  dlmsColumnsMax: 64, // capture objects of a profile
  dlmsProfileRowsMax: 3_000, // rows asked for at once: a month of quarter hours and a day
  dlmsCatalogEntriesMax: 100_000, // layouts of profiles remembered
  dlmsLayoutAgeMs: 86_400_000, // then the layout of a profile is read again
  dlmsEvidenceBytesMax: 768 * 1024, // APDUs kept with one reading
  dlmsObjectsMax: 2_000, // rows of an object list

  // Queues and workers
  queueAttemptsMax: 1_000_000, // a batch job is retried until it commits
  queueBackoffMsMax: 30_000,
  queueBackoffMsMin: 250,
  queueOfferTimeoutMs: 5_000, // an offer without answer counts as refused; the journal offers again
  queueStalledMax: 10,
  queueLockMs: 10_000, // a job of a killed worker is free again after this, renewed by a living one
  queueStalledCheckMs: 5_000,
  queueKeepDone: 1_000,
  ingestConcurrency: 2,
  ingestCarefulAfterMs: 9 * 86_400_000, // older rows may lie in the columnstore: looked up, then written
  ingestStreakBatches: 32, // taken carefully after one batch of the origin met what was there
  ingestStreaksMax: 1_000, // origins in such a streak
  ingestRestartsMax: 5, // of one transaction that met another writer
  ingestPoisonAttempts: 5, // failures that are no outage, then the batch is quarantined whole
  ingestFailuresKept: 10_000, // batches whose failures are remembered
  channelBuckets: 64, // advisory locks of the careful path
  channelPageRows: 20_000,
  channelRefreshMs: 5_000, // changed channels are read again
  channelChangesKeptMs: 2 * 86_400_000,
  channelRecheckMs: 3_000, // an unknown meter is looked up again after this
  channelUnknownMax: 100_000,
  replayBatchRows: 1_000, // quarantine rows in one replay batch

  // Time acceptance (VEE structural rules)
  futureToleranceMs: 300_000,
  tooOldMs: 45 * 86_400_000,
  snapToGridMs: 5_000,
  linearGapMsMax: 2 * 3_600_000,
  collectionDeadlineMs: 6 * 3_600_000, // after local midnight, a missing interval is late
  dayCloseChannelsPerShard: 500,
  dayCloseDaysPerRound: 500,
  dayCloseRoundsMax: 1_000,

  // Breaker commands (threats.md section 4, G7)
  commandAgeMsMax: 15 * 60_000, // an older disconnect is never executed
  commandAnswerMs: 10_000, // no answer by then: indeterminate
  commandReadbackMs: 10_000,
  commandReadbacksMax: 5,
  commandSweepMs: 1_000,
  commandJitterMsMax: 15 * 60_000, // random start of non-payment cuts
  commandHorizonMsMax: 7 * 86_400_000, // how far ahead a command may be ordered
  commandDecisionBytesMax: 64 * 1024,
  commandClockDoubtMs: 2_000, // our clock and the database's differ by more: no breaker moves
  commandClaimToSendMsMax: 10_000, // guards asked longer ago than this: not sent
  commandHoldRetryMs: 30_000, // a held command is looked at again after this
  commandSweepRows: 1_000,
  commandFleetCountMs: 60_000, // how long a count of the fleet serves the caps
  commandConcurrency: 64, // commands under way in one process
  commandReadbackPauseMs: 500, // doubled with each read-back
  commandOrphanMs: 180_000, // sent and silent for this long: whoever sent it is gone
  commandMeterSkewMs: 60_000, // a meter may honour a deadline this much late
  commandRereadMsMin: 15_000, // an indeterminate command is read back again, doubling
  commandRereadMsMax: 3_600_000,
  commandRereadsMax: 100, // then a person has to look
  commandLateRepliesMax: 256, // answers nobody waits for, looked up at once
  commandAttemptsFileBytesMax: 16 * 1024 ** 2,
  protectionAgeMsMax: 86_400_000, // older evidence is no evidence
  disconnectFleetPerHourShare: 0.0002,
  disconnectFleetPerHourShareCeiling: 0.001,
  disconnectFleetPerDayShare: 0.001,
  disconnectFeederPerHourShare: 0.01,
  disconnectFeederPerDayShare: 0.03,
  disconnectTransformerPerHour: 1,
  disconnectPerPrincipalPerDay: 200,
  reconnectCapFactor: 5,
  meterOperationsPerDay: 2,
  meterDisconnectsPerDay: 1,
  meterDwellMs: 10 * 60_000,
  indeterminateStopPerHour: 10,

  // HTTP
  httpHeadersTimeoutMs: 10_000,
  httpRequestTimeoutMs: 60_000,
  httpPageRowsMax: 1_000,
  httpRequestsPerMinute: 6_000,
  idempotencyKeepMs: 7 * 86_400_000,
  apiKeyCacheMs: 2_000, // a revoked key is refused within this on every process

  // Database
  poolConnectionsMax: 12,
  lockTimeoutMs: 5_000,
  statementTimeoutMs: 120_000,
  outboxPageRows: 500,

  // Files
  importLineCharsMax: 1024 ** 2,
  importProblemsMax: 1_000,
  importFileBytesMax: 2 * 1024 ** 3, // after unpacking
  importGzipRatioMax: 250, // unpacked over packed, once past the grace
  importGzipGraceBytes: 16 * 1024 ** 2,
  importStreamsMax: 50_000, // meter channels one file may declare
  importBlockValuesMax: 1_000, // values in one block of a series
  importDecimalsMax: 9, // digits after the point kept exactly
  importUnsettledMessagesMax: 200, // stretches of files on their way into the database
  importAppendsMax: 16, // of these, waiting for the disk at once
  importNotesShown: 10, // problems of an accepted file shown to people

  // Billing
  billShardAccounts: 200,
  billPeriodDaysMax: 1_100, // one billing period, or one calendar asked for: three years
  billObstaclesSaidMax: 20, // reasons in the sentence of a blocked bill
  tariffTextBytesMax: 1024 ** 2,
  tariffProblemsMax: 200,

  // Collections
  collectionPageAccounts: 500,
  collectionAttemptsMax: 10, // orders of one step in one round; then a person has to look
  collectionLeadMsMax: 86_400_000, // how far ahead of its legal window a cut is ordered
  collectionWindowMsMin: 45 * 60_000, // a shorter rest of a window is not used
  collectionReconnectMsMax: 86_400_000, // life of an order to reconnect
  collectionReconnectRetryMs: 15 * 60_000, // after one that ended without effect
  collectionEvidenceItemsMax: 50, // invoices listed in a decision
  collectionRetriesMax: 3, // of one account's transaction that met another
  collectionSweepMs: 2_000, // how often payments and breakers are listened to
  collectionEvaluateMs: 3_600_000, // how often all accounts are looked at; steps follow dates
  collectionCommandsRead: 100, // newest breaker commands of an account that are looked at
  collectionTimelineRows: 10_000,

  // Local stack (cli/stack); the ports lie below the kernel's ephemeral range, out of clients' way
  stackPortMin: 20_000,
  stackPortMax: 29_999,
  stackPortTriesMax: 200,
  stackStartTriesMax: 3,
  stackProbeMs: 2_000,
  stackPollMs: 25,
  stackStartMs: 90_000,
  stackStopMs: 30_000,
  stackKillMs: 10_000,
  stackToolMs: 60_000,
  stackImagesMs: 900_000, // fetching packages or images over a slow line
  stackLockMs: 1_200_000,
  stackCacheBytesMin: 1_200_000_000,
  stackInstanceBytesMin: 500_000_000,
  stackOutputCharsMax: 200_000,
} as const;

ok(LIMITS.batchBytesMax >= LIMITS.messageBytesMax, 'one full message must fit a batch');
ok(LIMITS.journalRecordBytesMax > LIMITS.pushBodyBytesMax, 'one full push must fit a record');
ok(
  LIMITS.disconnectFleetPerHourShare <= LIMITS.disconnectFleetPerHourShareCeiling,
  'a default may not exceed its ceiling',
);
ok(
  LIMITS.commandOrphanMs >
    2 * LIMITS.commandAnswerMs +
      LIMITS.commandReadbacksMax * LIMITS.commandReadbackMs +
      LIMITS.commandReadbackPauseMs * 2 ** LIMITS.commandReadbacksMax,
  'a command that is still being read back is no orphan',
);
