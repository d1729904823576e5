/** The state of all breakers, read once for the whole page: two places must never disagree on it. */
import { createContext } from 'preact';
import type { Breaker } from './api/types.ts';
import type { Loaded } from './api/use-data.ts';

export const BREAKER_EVERY_MS = 5_000;

export const BreakerContext = createContext<Loaded<Breaker>>({
  data: undefined,
  problem: undefined,
  loading: false,
  asOfMs: undefined,
  reload() {},
});
