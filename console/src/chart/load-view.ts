/** What a load curve shows: one channel, some local days of one place. */
import type { Channel } from '../api/types.ts';

export interface LoadView {
  readonly channel: Channel;
  readonly zone: string;
  /** Local date. */
  readonly date: string;
  readonly span: 'day' | 'week';
  readonly fromMs: number;
  readonly toMs: number;
}
