/** One table: what a state looks like. Colour never speaks alone: each look has its own shape. */

export type Look = 'ok' | 'info' | 'warn' | 'danger' | 'unknown' | 'neutral';

export const COMMAND_LOOK: Readonly<Record<string, Look>> = {
  requested: 'warn',
  approved: 'info',
  queued: 'info',
  sent: 'info',
  accepted: 'info',
  indeterminate: 'unknown',
  confirmed: 'ok',
  refused: 'danger',
  expired: 'neutral',
  cancelled: 'neutral',
};

export const BREAKER_LOOK: Readonly<Record<string, Look>> = {
  closed: 'ok',
  open: 'neutral',
  ready: 'info',
  unknown: 'unknown',
};

export const SEVERITY_LOOK: Readonly<Record<string, Look>> = {
  INFO: 'info',
  ISSUE: 'warn',
  TERMINATE: 'danger',
};

export const CASE_LOOK: Readonly<Record<string, Look>> = {
  open: 'warn',
  stopped: 'neutral',
  restoring: 'info',
  closed: 'ok',
};
