/**
 * MQTT QoS 1, one interval a message, against a bare aedes with an empty subscriber under the same
 * publishers. A PUBACK of ours means "in the journal, fdatasync done"; the second row waits until
 * the database has the readings. The product's rate limits stay on; no message may have met them.
 */

import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { Aedes } from 'aedes';
import type { Line } from '../../cli/roles/line.ts';
import { DAY_MS } from '../../domain/index.ts';
import { loadFleet } from '../load.ts';
import { type Bench, type BenchContext, figure, median, type Row, rounded } from '../row.ts';
import { type Senders, startSenders } from '../senders/parent.ts';
import { openStage } from '../stage.ts';
import { checkRows, untilStored } from '../wait.ts';

const CONNECTIONS = 750;
const INFLIGHT = 50;
const WARM_UP_SLOTS = 20;
const TIMEOUT_MS = 60_000;

export const mqttQos1: Bench = { names: ['mqtt-qos1', 'mqtt-qos1-stored'], run };

async function run(context: BenchContext): Promise<Row[]> {
  const stage = await openStage('mqtt-qos1');
  const senders = startSenders();
  const bare = await bareBroker();
  try {
    await loadFleet(stage.db, CONNECTIONS);
    const line = await stage.startLine();
    const port = mqttPortOf(line);
    for (const one of [port, bare.port]) {
      await senders.ask('connect', { port: one, meters: CONNECTIONS });
    }
    const startMs = Math.floor(Date.now() / DAY_MS - 7) * DAY_MS;
    const slots = [WARM_UP_SLOTS, ...new Array<number>(context.quick ? 2 : 5).fill(40)];
    const acked: number[] = [];
    const stored: number[] = [];
    const limits: number[] = [];
    let fromSlot = 0;
    for (const [n, count] of slots.entries()) {
      const order = { startMs, fromSlot, slots: count, inflight: INFLIGHT };
      fromSlot += count;
      await senders.ask('preparePublishes', { ...order, port });
      const started = performance.now();
      const cpuBefore = process.cpuUsage();
      const [report, endMs] = await Promise.all([
        senders.ask('publish'),
        untilStored(stage.db, fromSlot * CONNECTIONS, TIMEOUT_MS),
      ]);
      const cpu = cpuUs(cpuBefore, report.messages);
      const bareBefore = process.cpuUsage();
      const limit = await bareRound(senders, { ...order, port: bare.port });
      if (n === 0) continue; // warm-up
      acked.push((report.messages / report.elapsedMs) * 1_000);
      stored.push((report.messages / (endMs - started)) * 1_000);
      limits.push(limit);
      const said = [acked, stored, limits].map((all) => figure(all.at(-1) ?? 0)).join(' / ');
      const bareCpu = cpuUs(bareBefore, report.messages);
      context.say(
        `round ${n}: acknowledged / stored / bare aedes: ${said} messages/s; Node ${cpu} / ${bareCpu} µs each`,
      );
    }
    await checkRows(stage.db, 'reading', fromSlot * CONNECTIONS);
    checkUnthrottled(line);
    const limit = median(limits);
    const row = (name: string, ours: number, target: string): Row => ({
      name,
      ours: rounded(ours),
      limit: rounded(limit),
      ratio: rounded(ours / limit),
      unit: 'messages/s',
      target,
    });
    return [
      row('mqtt-qos1', median(acked), '>= 0.6 and >= 10,000'),
      row('mqtt-qos1-stored', median(stored), '-'),
    ];
  } finally {
    await senders.stop();
    await bare.close();
    await stage.close();
  }
}

/** Processor time of this process since then, for one message. */
function cpuUs(before: NodeJS.CpuUsage, messages: number): string {
  const { user, system } = process.cpuUsage(before);
  return figure((user + system) / messages);
}

export function mqttPortOf(line: Line): number {
  return Number(new URL(line.mqttUrl ?? '').port);
}

async function bareRound(
  senders: Senders,
  order: { port: number; startMs: number; fromSlot: number; slots: number; inflight: number },
): Promise<number> {
  await senders.ask('preparePublishes', order);
  const { messages, elapsedMs } = await senders.ask('publish');
  return (messages / elapsedMs) * 1_000;
}

export function checkUnthrottled(line: Line): void {
  const { throttled, stalled, refused } = line.gateway?.link.stats() ?? {};
  if (throttled === 0 && stalled === 0 && refused === 0) return;
  throw new Error(`throttled ${throttled}, stalled ${stalled}, refused ${refused}: no fair figure`);
}

/** Everybody is let in; whatever comes goes to one subscriber that does nothing. */
async function bareBroker() {
  const aedes = await Aedes.createBroker();
  aedes.subscribe(
    'v1/+/up/readings',
    (_packet, done) => done(),
    () => {},
  );
  const server: Server = createServer({ noDelay: true }, (socket) => void aedes.handle(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
