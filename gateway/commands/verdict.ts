/** What a read-back says about a command (threat T14): both states must agree, or it is unclear. */
import type { CommandAction } from '../../domain/index.ts';
import type { Seen } from './ports.ts';

/**
 * `reached`: relay and logical state are what was ordered. `untouched`: both are the opposite.
 * `unclear`: they contradict each other, or are not known.
 */
export type ReadbackVerdict = 'reached' | 'untouched' | 'unclear';

export function judgeReadback(action: CommandAction, seen: Seen): ReadbackVerdict {
  const states = `${seen.output ?? 'unknown'}/${seen.control ?? 'unknown'}`;
  if (action === 'disconnect') {
    if (states === 'open/open') return 'reached';
    return states === 'closed/closed' ? 'untouched' : 'unclear';
  }
  // Ready is as far as a meter goes whose mode leaves the closing to a hand (collections.md 6).
  if (states === 'open/ready') return 'reached';
  if (action === 'connect' && states === 'closed/closed') return 'reached';
  return states === 'open/open' ? 'untouched' : 'unclear';
}

/** In words, for the reason of an indeterminate command. */
export function sayReadback(seen: Seen | undefined): string {
  if (seen === undefined) return 'no answer to the read-back';
  return `relay ${seen.output ?? 'unknown'}, control ${seen.control ?? 'unknown'}`;
}
