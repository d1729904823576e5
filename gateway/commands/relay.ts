/** The only function that sends bytes which move a breaker. It has one caller: execute.ts. */
import { type MeterCommand, TOPIC } from '../../domain/index.ts';
import type { CommandLink } from './ports.ts';

/** False: surely nothing left. A throw: not known. */
export function sendRelayCommand(link: CommandLink, command: MeterCommand): Promise<boolean> {
  const payload = Buffer.from(JSON.stringify(command), 'utf8');
  return link.publishDown(command.meter, TOPIC.command(command.meter), payload);
}
