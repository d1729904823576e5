/** Whether the supply is cut, as far as the commands of the account tell. */
import { IN_FLIGHT_STATES } from '../../domain/index.ts';
import { type BreakerCommand, POLICY } from './model.ts';

export type Supply =
  /** No cut of ours is in force. */
  | { readonly kind: 'on' }
  /** A disconnect was ordered and not sent: it can be cancelled. */
  | { readonly kind: 'ordered'; readonly command: BreakerCommand }
  /** A disconnect was sent and its outcome is not known. */
  | { readonly kind: 'unclear'; readonly command: BreakerCommand }
  /** Read back open; `restoring`: the newest order to connect since then. */
  | {
      readonly kind: 'cut';
      readonly command: BreakerCommand;
      readonly restoring: BreakerCommand | undefined;
    };

/** Only cuts that collections asked for count: what others opened is theirs to close. */
export function supplyOf(commands: readonly BreakerCommand[]): Supply {
  const cuts = commands.filter((c) => c.action === 'disconnect' && c.requestedBy === POLICY);
  const unclear = cuts.find((c) => IN_FLIGHT_STATES.includes(c.state));
  if (unclear !== undefined) return { kind: 'unclear', command: unclear };
  const moved = commands
    .filter((c) => c.confirmedAtMs !== null && c.state === 'confirmed' && c.action !== 'read')
    .sort((a, b) => (b.confirmedAtMs as number) - (a.confirmedAtMs as number))[0];
  if (moved?.action === 'disconnect' && moved.requestedBy === POLICY) {
    const since = commands.filter(
      (c) =>
        closes(c) && c.requestedAtMs >= moved.requestedAtMs && c.meterSerial === moved.meterSerial,
    );
    const restoring = since.sort((a, b) => b.requestedAtMs - a.requestedAtMs)[0];
    return { kind: 'cut', command: moved, restoring };
  }
  const ordered = cuts.find((c) => ['requested', 'approved', 'queued'].includes(c.state));
  return ordered === undefined ? { kind: 'on' } : { kind: 'ordered', command: ordered };
}

function closes(command: BreakerCommand): boolean {
  return command.action === 'connect' || command.action === 'arm';
}
