/** What the gateway shows of itself to Prometheus. */
import type { MeterLink } from '../../gateway/broker/link.ts';
import type { CommandSender } from '../../gateway/commands/sender.ts';
import type { Journal } from '../../gateway/journal/journal.ts';
import type { Metrics } from '../api/metrics.ts';

export function gatewayMetrics(
  metrics: Metrics,
  journal: Journal,
  link: MeterLink,
  sender: CommandSender,
): void {
  const family = (name: string, help: string, label: string, read: () => object) =>
    metrics.gauges(name, help, label, async () => numbersOf(read()));
  family('meterline_journal', 'journal of the gateway by figure', 'figure', () => journal.stats());
  family('meterline_mqtt', 'MQTT link by figure', 'figure', () => link.stats());
  family('meterline_commands_sender', 'breaker commands by outcome', 'outcome', () => sender.stats);
}

function numbersOf(stats: object): Map<string, number> {
  const out = new Map<string, number>();
  for (const [name, value] of Object.entries(stats)) {
    if (typeof value === 'number' && Number.isFinite(value)) out.set(name, value);
  }
  return out;
}
