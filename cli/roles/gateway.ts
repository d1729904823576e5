/** The gateway role: broker or broker client, journal, head-end push, breaker commands. */
import { join } from 'node:path';
import { beginKey, finishKey, forgetKeys } from '../../db/idempotency.ts';
import { databaseDirectory } from '../../db/meter-directory.ts';
import { LIMITS } from '../../domain/index.ts';
import { EmbeddedBroker } from '../../gateway/broker/embedded.ts';
import { ExternalBroker } from '../../gateway/broker/external.ts';
import type { MeterLink } from '../../gateway/broker/link.ts';
import { openAttemptFile } from '../../gateway/commands/attempts.ts';
import { listenForHints } from '../../gateway/commands/hints.ts';
import { killFile } from '../../gateway/commands/kill-file.ts';
import { CommandSender } from '../../gateway/commands/sender.ts';
import { databaseCommandStore } from '../../gateway/commands/store.ts';
import { attachMqttDriver } from '../../gateway/drivers/mqtt/driver.ts';
import { pushPlugin } from '../../gateway/http/push.ts';
import { nodeFiles } from '../../gateway/journal/files.ts';
import { Journal } from '../../gateway/journal/journal.ts';
import { BullBatchOutlet } from '../../gateway/outlet/bull-outlet.ts';
import { decode, originOf } from '../../gateway/payload/decode.ts';
import { requireScope } from '../api/auth.ts';
import { gatewayMetrics } from './gateway-metrics.ts';
import type { Role, RoleDeps } from './role.ts';

export interface GatewayRole extends Role {
  readonly journal: Journal;
  readonly link: MeterLink;
  readonly sender: CommandSender;
  /** Port of the embedded broker; undefined with an external one. */
  readonly mqttPort: number | undefined;
}

export async function startGateway(deps: RoleDeps): Promise<GatewayRole> {
  const { config, db, log } = deps;
  const journal = await openJournal(deps);
  const outlet = new BullBatchOutlet({
    redisUrl: deps.redisUrl,
    db,
    clock: deps.clock,
    prefix: deps.prefix,
    onError: (error) => log.warn({ err: error }, 'queue of readings'),
  });
  journal.forward({ decode, originOf, outlet });
  const link = createLink(deps);
  const attempts = await openAttemptFile(join(config.journalDirectory, 'command-attempts.log'));
  const sender = new CommandSender({
    store: databaseCommandStore({
      ...deps,
      approverKeys: deps.approverKeys,
      window: deps.legalWindow,
    }),
    link,
    clock: deps.clock,
    random: deps.random,
    attempts,
    killed: killFile(join(config.journalDirectory, 'KILL')),
    onFailure: (error, command) => log.warn({ err: error, command }, 'command'),
  });
  attachMqttDriver({ link, journal, onReply: (serial, reply) => sender.onReply(serial, reply) });
  await link.start();
  await sender.start();
  const hints = listenForHints(sender, {
    connection: deps.redis,
    prefix: deps.prefix,
    onError: (error) => log.warn({ err: error }, 'hints of commands'),
  });
  gatewayMetrics(deps.metrics, journal, link, sender);
  const stopped = new AbortController();
  const forgetting = forgetOldKeys(deps, stopped.signal);
  return {
    journal,
    link,
    sender,
    mqttPort: link instanceof EmbeddedBroker ? link.port : undefined,
    checks: [{ name: 'journal', check: async () => journalState(journal) }],
    plugins: [push(deps, journal)],
    async stop() {
      stopped.abort();
      await forgetting;
      await hints.close();
      await sender.stop();
      await link.stop();
      await journal.close();
      await outlet.close();
      await attempts.close();
    },
  };
}

function openJournal(deps: RoleDeps): Promise<Journal> {
  return Journal.open({
    directory: deps.config.journalDirectory,
    files: nodeFiles,
    clock: deps.clock,
    random: deps.random,
    log: ({ level, message, fault }) => deps.log[level]({ code: fault?.code }, message),
    onFailed: deps.onFatal,
  });
}

function journalState(journal: Journal): string {
  const stats = journal.stats();
  if (stats.failed) throw new Error('the journal cannot be trusted any more');
  return `${stats.uncommittedMessages} messages waiting, ${stats.segmentBytes} bytes`;
}

function createLink(deps: RoleDeps): MeterLink {
  const { config, clock, log } = deps;
  const onNotice = (notice: object) => log.info({ notice }, 'mqtt');
  if (config.mqttUrl === undefined) {
    const directory = databaseDirectory({ db: deps.db, clock });
    return new EmbeddedBroker({
      host: config.mqttHost,
      port: config.mqttPort,
      clock,
      directory,
      onNotice,
    });
  }
  const url = new URL(config.mqttUrl);
  const username = decodeURIComponent(url.username);
  const password = decodeURIComponent(url.password);
  return new ExternalBroker({
    url: `${url.protocol}//${url.host}`,
    clientId: `meterline-${deps.instance}`,
    clock,
    onNotice,
    ...(username !== '' && { username }),
    ...(password !== '' && { password }),
  });
}

function push(deps: RoleDeps, journal: Journal) {
  const { db } = deps;
  return pushPlugin({
    journal,
    clock: deps.clock,
    principalOf: (request) => requireScope(request, 'readings:push'),
    idempotency: {
      begin: (principal, key, hash) => beginKey(db, principal, key, 'POST /v1/readings', hash),
      finish: (principal, key) => finishKey(db, principal, key, 202),
    },
  });
}

const FORGET_EVERY_MS = 3_600_000;

async function forgetOldKeys({ db, clock, log }: RoleDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await forgetKeys(db, LIMITS.idempotencyKeepMs).catch((error: unknown) =>
      log.warn({ err: error }, 'old idempotency keys'),
    );
    await clock.sleep(FORGET_EVERY_MS, signal).catch(() => {});
  }
}
