/**
 * npm run bench -- [NAME...] [--json] [--quick] [--full]
 * Rows on standard output: a table, or with --json one object a row; remarks on standard error.
 */
import { parseArgs } from 'node:util';
import { describeError } from '../domain/index.ts';
import { loadText, machineText } from './machine.ts';
import { type Bench, type Row, rowsTable } from './row.ts';
import { arrivalLatency } from './rows/arrival-latency.ts';
import { billRun } from './rows/bill-run.ts';
import { breakerLatency } from './rows/breaker-latency.ts';
import { ingestPush, ingestPushByTime } from './rows/ingest-push.ts';
import { mqttQos1 } from './rows/mqtt-qos1.ts';
import { scaling } from './rows/scaling.ts';
import { benchEngines } from './stage.ts';

const BENCHES: readonly Bench[] = [
  ingestPush,
  ingestPushByTime,
  mqttQos1,
  billRun,
  arrivalLatency,
  breakerLatency,
  scaling,
];

const NAMES = BENCHES.flatMap((bench) => bench.names);

function usage(problem: string): never {
  process.stderr.write(`bench: ${problem}\n`);
  process.stderr.write(`npm run bench -- [NAME...] [--json] [--quick] [--full]\n`);
  process.stderr.write(`names: ${NAMES.join(', ')}\n`);
  process.exit(2);
}

function readArguments() {
  try {
    const options = {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      full: { type: 'boolean', default: false },
    } as const;
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    const unknown = positionals.find((name) => !NAMES.includes(name));
    if (unknown !== undefined) return usage(`there is no bench ${unknown}`);
    if (values.quick && values.full) return usage('either --quick or --full');
    return { ...values, asked: new Set(positionals.length > 0 ? positionals : NAMES) };
  } catch (error) {
    return usage(describeError(error));
  }
}

async function main(): Promise<void> {
  const { json, quick, full, asked } = readArguments();
  const say = (text: string) => void process.stderr.write(`${text}\n`);
  const { engines, down } = await benchEngines();
  try {
    say(`${await machineText(engines)}; ${loadText()}`);
    const all: Row[] = [];
    for (const bench of BENCHES) {
      if (!bench.names.some((name) => asked.has(name))) continue;
      const started = performance.now();
      say(`\n${bench.names.join(', ')}`);
      const rows = await bench.run({ quick, full, say: (text) => say(`  ${text}`) });
      const seconds = ((performance.now() - started) / 1_000).toFixed(0);
      say(`  ${seconds} s; ${loadText()}`);
      const wanted = rows.filter((row) => asked.has(row.name));
      all.push(...wanted);
      if (json) for (const row of wanted) process.stdout.write(`${JSON.stringify(row)}\n`);
    }
    if (!json) process.stdout.write(`\n${rowsTable(all)}\n`);
  } finally {
    await down();
  }
}

await main();
