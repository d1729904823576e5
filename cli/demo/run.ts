/** `meterline demo`: a month of a small utility, from meter to bill to breaker, in a minute. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { localMidnightMs } from '../../billing/calendar/local.ts';
import { EXAMPLE_TARIFFS } from '../../billing/tariffs/examples.ts';
import { parseTariff } from '../../billing/tariffs/parse.ts';
import { weekdayMornings } from '../../db/legal-window.ts';
import { loadMasterData } from '../../db/master.ts';
import { createDatabase, dropDatabase } from '../../db/scratch.ts';
import { saveTariff } from '../../db/tariffs.ts';
import { DAY_MS, formatInstant } from '../../domain/index.ts';
import { memoryLog } from '../../simulators/meter-log.ts';
import { SimulatedClock } from '../clock.ts';
import { stopSignal } from '../commands/start.ts';
import { type Context, type Engines, engines } from '../context.ts';
import { type Line, startLine } from '../roles/line.ts';
import { stackDown } from '../stack/stack.ts';
import { billMonth, payAll } from './bills.ts';
import { collectAndCut, UNPAID } from './breaker.ts';
import { buildConsole } from './console.ts';
import { createFleet, type DemoWorld, streamDays, streamMonth, untilCommitted } from './month.ts';
import { hirePeople, makeSigningKey, type People, type SigningKey } from './people.ts';
import {
  accountOf,
  DEMO_FROM,
  DEMO_TARIFF,
  DEMO_TO,
  DEMO_ZONE,
  type DemoOptions,
  demoMaster,
  serialOf,
} from './plan.ts';
import { report } from './report.ts';

export interface DemoFlags extends DemoOptions {
  readonly stay: boolean;
}

const STACK = 'demo';
/** Before the bills are due. */
const PAYDAY = '2026-11-16';

/** Resolves to true when every sentence of the report was true. */
export async function runDemo(context: Context, flags: DemoFlags): Promise<boolean> {
  const startedMs = performance.now();
  const cleanUp: (() => Promise<unknown>)[] = [];
  const interrupted = stopSignal().then(() => 'interrupted' as const);
  try {
    const done = act(context, flags, startedMs, cleanUp, interrupted);
    const outcome = await Promise.race([done, interrupted]);
    if (outcome !== 'interrupted') return outcome;
    done.catch(() => {}); // what it was doing fails now; that is wanted
    context.progress.clear();
    context.out('\nstopped; cleaning up');
    return false;
  } finally {
    for (const step of cleanUp.reverse()) {
      await step().catch((error: unknown) => context.log.warn({ err: error }, 'cleaning up'));
    }
  }
}

async function act(
  context: Context,
  flags: DemoFlags,
  startedMs: number,
  cleanUp: (() => Promise<unknown>)[],
  interrupted: Promise<'interrupted'>,
): Promise<boolean> {
  const { progress } = context;
  const target = await prepare(context, cleanUp);
  if (flags.stay) await buildConsole();
  const clock = new SimulatedClock(localMidnightMs(DEMO_ZONE, DEMO_FROM) - DAY_MS);
  const signing = makeSigningKey();
  const line = await bringUp(context, target, clock, signing, cleanUp);
  progress.finish('roles', `gateway, ingest, billing, api in one process; ${line.httpUrl}`);
  await loadUtility(line, flags);
  const people = await hirePeople(line.db, line.deps.random, line.httpUrl, signing);
  const unpaidLog = memoryLog();
  const fleet = createFleet(line, clock, flags, (serial) =>
    serial === serialOf(UNPAID) ? unpaidLog : { append: () => {}, close: () => {} },
  );
  cleanUp.push(() => fleet.stop());
  await fleet.connect((done, total) => progress.step('meters connect', done, total));
  progress.finish(
    'meters connect',
    `${flags.meters} over MQTT 3.1.1, each with its own credential`,
  );
  const world: DemoWorld = { line, clock, fleet, progress, unpaidLog };
  const month = await streamMonth(world);
  const bills = await billMonth(world, people);
  await streamDays(world, DEMO_TO, PAYDAY);
  await payAll(world, bills.issued, new Set([accountOf(UNPAID)]));
  const breaker = await collectAndCut(world, people, flags, PAYDAY);
  await untilCommitted(world);
  const totalMs = performance.now() - startedMs;
  const wrong = await report(world, { month, bills, breaker, totalMs }, context.out, bold);
  for (const sentence of wrong) context.out(`\n✘ ${sentence}`);
  if (flags.stay) await stay(context, line, people, interrupted);
  return wrong.length === 0;
}

function bold(text: string): string {
  return process.stdout.isTTY ? `\x1b[1m${text}\x1b[0m` : text;
}

/** The local stack, a database of its own and an empty journal. */
async function prepare(
  context: Context,
  cleanUp: (() => Promise<unknown>)[],
): Promise<Engines & { readonly journal: string }> {
  const { config, progress } = context;
  const base = await engines(context, STACK);
  if (config.databaseUrl === undefined) {
    cleanUp.push(() => stackDown({ name: STACK, projectDirectory: config.projectDirectory }));
  }
  progress.finish('local stack', 'TimescaleDB and Redis answer');
  const name = `meterline_demo_${process.pid}`;
  const databaseUrl = await createDatabase(base.databaseUrl, name);
  cleanUp.push(() => dropDatabase(base.databaseUrl, name));
  const journal = join(config.projectDirectory, '.meterline', 'demo', String(process.pid));
  await rm(journal, { recursive: true, force: true });
  await mkdir(journal, { recursive: true });
  cleanUp.push(() => rm(journal, { recursive: true, force: true }));
  return { ...base, databaseUrl, journal };
}

async function bringUp(
  context: Context,
  target: Engines & { readonly journal: string },
  clock: SimulatedClock,
  signing: SigningKey,
  cleanUp: (() => Promise<unknown>)[],
): Promise<Line> {
  const config = {
    ...context.config,
    journalDirectory: target.journal,
    httpPort: 0,
    mqttPort: 0,
    mqttUrl: undefined,
  };
  const line = await startLine(
    { ...context, config },
    {
      engines: target,
      roles: ['gateway', 'ingest', 'billing', 'api'],
      clock,
      prefix: `{meterline-demo-${process.pid}}`,
      instance: 'demo',
      approverKeys: signing.trusted,
      legalWindow: weekdayMornings(['2026-12-25']),
    },
  );
  cleanUp.push(() => line.stop());
  return line;
}

async function loadUtility(line: Line, flags: DemoFlags): Promise<void> {
  const tariff = parseTariff(await EXAMPLE_TARIFFS.read(DEMO_TARIFF));
  await line.db.transaction((tx) => saveTariff(tx, tariff.code, tariff, 'demo'));
  const checkedAt = formatInstant(line.deps.clock.nowMs());
  await line.db.transaction((tx) => loadMasterData(tx, demoMaster(flags, checkedAt), 'demo'));
}

async function stay(
  context: Context,
  line: Line,
  people: People,
  interrupted: Promise<unknown>,
): Promise<void> {
  context.out('\nThe line stays up until Ctrl-C:');
  context.out(`  console  ${line.httpUrl}/console/`);
  context.out(`  API      ${line.httpUrl}/docs`);
  context.out(`  metrics  ${line.httpUrl}/metrics`);
  context.out(`  MQTT     ${line.mqttUrl ?? '-'}`);
  context.out(`  API key  ${people.viewerToken}`);
  await interrupted;
}
