/**
 * A line of its own to break: stack, gateway, two ingest processes, senders, and the judge over
 * what the meters wrote and what the database holds.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../cli/clock.ts';
import { freePort } from '../../../cli/stack/ports.ts';
import { createApiKey } from '../../../db/api-keys.ts';
import { loadMasterData } from '../../../db/master.ts';
import { MIGRATIONS_DIRECTORY, migrate, readMigrations } from '../../../db/migrate.ts';
import { type Database, openDatabase } from '../../../db/pool.ts';
import { cryptoRandom, DAY_MS, OBIS } from '../../../domain/index.ts';
import { type OwnStack, ownStack } from '../../support/stack.ts';
import { RoleProcess } from './role-process.ts';
import { HeadEndSender, INTERVAL_S, MeterSender, type Sender, secretOf } from './senders.ts';

const STEP_MS = INTERVAL_S * 1_000;
/** Readings begin this long ago: within what ingest takes, with room for a long run. */
const HISTORY_MS = 40 * DAY_MS;

export interface Gateway {
  readonly process: RoleProcess;
  readonly journal: string;
  readonly mqttUrl: string;
  readonly httpUrl: string;
}

export interface GatewayOptions {
  readonly journal?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly under?: readonly string[];
  readonly restart?: boolean;
}

export interface LoadOptions {
  readonly meters: number;
  readonly headEnds: number;
  readonly pace: number;
}

/** Senders of one seed and the folder of their files. */
export interface Load {
  readonly directory: string;
  readonly senders: readonly Sender[];
  readonly serials: readonly string[];
  /** Nothing new from here on; what is not acknowledged is still kept and sent again. */
  stop(): Promise<void>;
  /** False when something is still not acknowledged after the time. */
  drained(withinMs: number): Promise<boolean>;
  close(): Promise<void>;
}

export class TestLine {
  readonly stack: OwnStack;
  readonly db: Database;
  readonly directory: string;
  readonly workers: RoleProcess[] = [];
  readonly gateways: Gateway[] = [];
  readonly #processes: RoleProcess[] = [];
  readonly #loads: Load[] = [];
  #token = '';

  private constructor(stack: OwnStack, directory: string) {
    this.stack = stack;
    this.directory = directory;
    this.db = openDatabase({
      url: stack.urls.databaseUrl,
      applicationName: 'fault-test',
      connectionsMax: 3,
    });
  }

  static async open(name: string): Promise<TestLine> {
    const stack = await ownStack(name);
    const line = new TestLine(stack, mkdtempSync(join(tmpdir(), `meterline-${name}-line-`)));
    await migrate(line.db, await readMigrations(MIGRATIONS_DIRECTORY));
    const key = { name: 'head-end', scopes: ['readings:push'] };
    line.#token = (await createApiKey(line.db, cryptoRandom, key)).token;
    return line;
  }

  /** A process with any roles; it is ended by `remove`. */
  role(
    name: string,
    roles: readonly string[],
    options: Omit<GatewayOptions, 'journal'> = {},
  ): RoleProcess {
    const { env = {}, ...rest } = options;
    const child = new RoleProcess({
      name,
      roles,
      directory: this.directory,
      env: {
        DATABASE_URL: this.stack.urls.databaseUrl,
        REDIS_URL: this.stack.urls.redisUrl,
        METERLINE_HTTP_PORT: '0',
        ...env,
      },
      ...rest,
    });
    this.#processes.push(child);
    return child;
  }

  startWorkers(count: number): void {
    for (let i = 0; i < count; i += 1) {
      const worker = this.role(`ingest-${i}`, ['ingest'], { restart: true });
      this.workers.push(worker);
      worker.start();
    }
  }

  /** On ports that stay the same over restarts. */
  async startGateway(name: string, options: GatewayOptions = {}): Promise<Gateway> {
    const { journal = join(this.directory, `${name}-journal`), env, ...rest } = options;
    const mqttPort = await freePort();
    const httpPort = await freePort([mqttPort]);
    const process = this.role(name, ['gateway'], {
      restart: true,
      ...rest,
      env: {
        METERLINE_JOURNAL_DIR: journal,
        METERLINE_MQTT_PORT: String(mqttPort),
        METERLINE_HTTP_PORT: String(httpPort),
        ...env,
      },
    });
    const gateway: Gateway = {
      process,
      journal,
      mqttUrl: `mqtt://127.0.0.1:${mqttPort}`,
      httpUrl: `http://127.0.0.1:${httpPort}`,
    };
    this.gateways.push(gateway);
    process.start();
    await process.ready();
    return gateway;
  }

  /** Meters connected and pushing to the gateway. */
  async startLoad(seed: string, gateway: Gateway, options: LoadOptions): Promise<Load> {
    const directory = join(this.directory, `meters-${seed}`);
    mkdirSync(directory);
    const newest = Math.floor(systemClock.nowMs() / STEP_MS) * STEP_MS;
    const common = { directory, seed, fromMs: newest - HISTORY_MS, pace: options.pace };
    const names = (kind: string, count: number) =>
      Array.from({ length: count }, (_, i) => `${kind}-${seed}-${i}`);
    const meters = names('M', options.meters).map(
      (serial) => new MeterSender(serial, gateway.mqttUrl, common),
    );
    const headEnds = names('H', options.headEnds).map(
      (name) => new HeadEndSender(name, () => gateway.httpUrl, this.#token, common),
    );
    const senders = [...meters, ...headEnds];
    const serials = senders.flatMap((sender) => sender.serials);
    await this.#install(serials);
    await Promise.all(meters.map((meter) => meter.connect()));
    const load = runLoad(directory, senders, serials);
    this.#loads.push(load);
    return load;
  }

  /** Ends everything; with `keepFiles` the logs of meters and processes stay in `directory`. */
  async remove(keepFiles = false): Promise<void> {
    await Promise.all(this.#loads.map((load) => load.close()));
    await Promise.all(this.#processes.map((child) => child.stop()));
    await this.db.close();
    await this.stack.remove();
    if (!keepFiles) rmSync(this.directory, { recursive: true, force: true });
  }

  async #install(serials: readonly string[]): Promise<void> {
    const meters = serials.map((serial) => ({
      serial,
      protocol: 'mqtt' as const,
      secret: secretOf(serial),
    }));
    const channels = serials.map((meter) => ({
      meter,
      code: OBIS.importActive,
      kind: 'interval' as const,
      direction: 'import' as const,
      unit: 'Wh',
      intervalS: INTERVAL_S,
    }));
    await this.db.transaction((tx) => loadMasterData(tx, { meters, channels }, 'fault-test'));
  }
}

function runLoad(directory: string, senders: readonly Sender[], serials: readonly string[]): Load {
  const stopped = new AbortController();
  const running = Promise.all(senders.map((sender) => sender.run(stopped.signal)));
  const stop = async () => {
    stopped.abort();
    await running;
  };
  return {
    directory,
    senders,
    serials,
    stop,
    async drained(withinMs) {
      const answers = await Promise.all(senders.map((sender) => sender.drained(withinMs)));
      return answers.every(Boolean);
    },
    async close() {
      await stop();
      await Promise.all(senders.map((sender) => sender.close()));
    },
  };
}
