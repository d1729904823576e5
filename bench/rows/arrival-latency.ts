/** One interval a message at the reference rate: from its sending to being queryable. */
import { DAY_MS } from '../../domain/index.ts';
import { loadFleet } from '../load.ts';
import { type Bench, type BenchContext, figure, quantile, type Row, rounded } from '../row.ts';
import { startSenders } from '../senders/parent.ts';
import { openStage } from '../stage.ts';
import { checkUnthrottled, mqttPortOf } from './mqtt-qos1.ts';

/** design: 500,000 meters, four channels, every 15 minutes. */
const PER_S = 2_200;
const CONNECTIONS = 500;
const WARM_UP_S = 4;
const LIMIT_MS = 1_000;

export const arrivalLatency: Bench = { names: ['arrival-latency'], run };

async function run(context: BenchContext): Promise<Row[]> {
  const stage = await openStage('arrival-latency');
  const senders = startSenders();
  try {
    await loadFleet(stage.db, CONNECTIONS);
    const line = await stage.startLine();
    const port = mqttPortOf(line);
    await senders.ask('connect', { port, meters: CONNECTIONS });
    const report = await senders.ask('pace', {
      port,
      databaseUrl: stage.engines.databaseUrl,
      startMs: Math.floor(Date.now() / DAY_MS - 7) * DAY_MS,
      perS: PER_S,
      seconds: WARM_UP_S + (context.quick ? 10 : 25),
      warmUpS: WARM_UP_S,
    });
    checkUnthrottled(line);
    const { latenciesMs } = report;
    const at = (share: number) => `${figure(quantile(latenciesMs, share))} ms`;
    const said = `p50 ${at(0.5)}, p99 ${at(0.99)}, most ${at(1)}`;
    context.say(`${latenciesMs.length} readings at ${figure(report.perS)}/s: ${said}`);
    const p99 = quantile(latenciesMs, 0.99);
    return [
      {
        name: 'arrival-latency',
        ours: rounded(p99),
        limit: LIMIT_MS,
        ratio: rounded(p99 / LIMIT_MS),
        unit: 'ms, p99',
        target: '< 1,000 (ratio < 1)',
      },
    ];
  } finally {
    await senders.stop();
    await stage.close();
  }
}
