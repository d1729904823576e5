/** Bounds of the local stack: how long each step may take and how far a search may go. */
export const STACK_BOUNDS = {
  /** Private ports live below the kernel's ephemeral range, so that a client cannot squat on one. */
  portFrom: 20_000,
  portTo: 29_999,
  portTriesMax: 200,
  startTriesMax: 3,
  probeTimeoutMs: 2_000,
  startTimeoutMs: 90_000,
  stopTimeoutMs: 30_000,
  killTimeoutMs: 10_000,
  pollMs: 25,
  toolTimeoutMs: 60_000,
  unpackTimeoutMs: 900_000,
  lockTimeoutMs: 1_200_000,
  cacheBytesMin: 1_200_000_000,
  instanceBytesMin: 500_000_000,
  outputCharactersMax: 200_000,
} as const;
