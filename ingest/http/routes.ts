/** HTTP for readings: meters, interval states and versions, conservation, quarantine and replay. */
import { Type, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { quarantineByCode, storedRows, totalsByOrigin } from '../../db/conservation.ts';
import { intervalStates } from '../../db/ledger.ts';
import { channelsOf, completeness, listMeters, meterBySerial } from '../../db/meter-reads.ts';
import type { Database } from '../../db/pool.ts';
import { type ReadingStory, readingVersions } from '../../db/readings.ts';
import { openExceptions } from '../../db/vee-results.ts';
import {
  type Clock,
  Fault,
  flagNames,
  formatInstant,
  formatScaled,
  LIMITS,
  type Principal,
  parseInstant,
  qualityOf,
  type RandomBytes,
  type Scope,
} from '../../domain/index.ts';
import { openPipeline } from '../pipeline/process-batch.ts';
import { replayQuarantine } from '../pipeline/replay.ts';

export interface IngestRoutesDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly requireScope: (request: FastifyRequest, scope: Scope) => Principal;
}

const TAGS = { tags: ['readings'] };
const Serial = Type.Object({ serial: Type.String({ minLength: 1, maxLength: 64 }) });
const Instant = Type.String({ description: 'ISO 8601 with zone' });

type App = ReturnType<typeof typed>;
const typed = (app: FastifyInstance) => app.withTypeProvider<TypeBoxTypeProvider>();

export function ingestRoutes(deps: IngestRoutesDeps) {
  return async (plain: FastifyInstance): Promise<void> => {
    const app = typed(plain);
    meterRoutes(app, deps);
    intervalRoutes(app, deps);
    conservationRoutes(app, deps);
    quarantineRoutes(app, deps);
  };
}

function meterRoutes(app: App, { db, requireScope }: IngestRoutesDeps): void {
  const query = Type.Object({
    after: Type.Optional(
      Type.String({ description: 'cursor: the last serial of the page before' }),
    ),
    search: Type.Optional(Type.String({ maxLength: 64 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMITS.httpPageRowsMax })),
  });
  app.get('/v1/meters', { schema: { ...TAGS, querystring: query } }, async (request) => {
    requireScope(request, 'master:read');
    const { after = '', search = null, limit = 100 } = request.query;
    const rows = await listMeters(db, { after, search, limit });
    return {
      meters: rows.map(meterView),
      next: rows.length === limit ? rows.at(-1)?.serial : null,
    };
  });
  app.get('/v1/meters/:serial', { schema: { ...TAGS, params: Serial } }, async (request) => {
    requireScope(request, 'master:read');
    const { serial } = request.params;
    const meter = await meterBySerial(db, serial);
    if (meter === undefined) throw new Fault('METER_UNKNOWN', { meter: serial });
    return { ...meterView(meter), channels: await channelsOf(db, serial) };
  });
}

function meterView(row: NonNullable<Awaited<ReturnType<typeof meterBySerial>>>) {
  return {
    serial: row.serial,
    protocol: row.protocol,
    model: row.model,
    has_breaker: row.has_breaker,
    breaker_state: row.breaker_state,
    breaker_at: row.breaker_at === null ? null : formatInstant(row.breaker_at),
    service_point: row.service_point,
    time_zone: row.time_zone,
    feeder: row.feeder,
    account: row.account,
  };
}

/** A month of 5-minute values with a day to spare. */
const SPAN_MS_MAX = 32 * 86_400_000;

function intervalRoutes(app: App, deps: IngestRoutesDeps): void {
  const { db, clock, requireScope } = deps;
  const params = Type.Object({ serial: Serial.properties.serial, code: Type.String() });
  const query = Type.Object({ from: Instant, to: Instant });
  app.get(
    '/v1/meters/:serial/channels/:code/intervals',
    { schema: { ...TAGS, params, querystring: query } },
    async (request) => {
      requireScope(request, 'readings:read');
      const channel = await channelOf(deps, request.params);
      const fromMs = instant(request.query.from, 'from');
      const toMs = instant(request.query.to, 'to');
      if (toMs <= fromMs || toMs - fromMs > SPAN_MS_MAX) {
        throw new Fault('BAD_REQUEST', {
          detail: 'from .. to must be more than 0 and up to 32 days',
        });
      }
      const rows = await intervalStates(db, {
        channelId: channel.id,
        fromMs,
        toMs,
        nowMs: clock.nowMs(),
        deadlineMs: LIMITS.collectionDeadlineMs,
      });
      return {
        channel,
        intervals: rows.map((row) => ({
          start: formatInstant(row.start_at),
          state: row.state,
          value: row.value === null ? null : formatScaled(row.value, -channel.exponent),
          quality: row.quality === null ? null : qualityOf(row.quality).name,
          flags: flagNames(row.flags ?? 0),
        })),
      };
    },
  );
  app.get(
    '/v1/meters/:serial/channels/:code/intervals/:start/versions',
    { schema: { ...TAGS, params: Type.Object({ ...params.properties, start: Instant }) } },
    async (request) => {
      requireScope(request, 'readings:read');
      const channel = await channelOf(deps, request.params);
      const versions = await readingVersions(
        db,
        channel.id,
        instant(request.params.start, 'start'),
      );
      return { versions: versions.map((version) => versionView(version, channel.exponent)) };
    },
  );
}

function versionView(version: ReadingStory, exponent: number) {
  const { superseded } = version;
  return {
    value: formatScaled(version.value, -exponent),
    quality: qualityOf(version.quality).name,
    flags: flagNames(version.flags),
    batch: version.batchId,
    origin: version.origin,
    actor: version.actor,
    recorded_at: formatInstant(version.recordedMs),
    superseded:
      superseded === undefined
        ? null
        : {
            by_batch: superseded.byBatchId,
            at: formatInstant(superseded.atMs),
            reason: superseded.reason,
          },
  };
}

async function channelOf(deps: IngestRoutesDeps, params: { serial: string; code: string }) {
  const channels = await channelsOf(deps.db, params.serial);
  const channel = channels.find((c) => c.code === params.code && c.kind === 'interval');
  if (channel !== undefined) return channel;
  throw new Fault('CHANNEL_UNKNOWN', { meter: params.serial, channel: params.code });
}

function instant(text: string, name: string): number {
  const ms = parseInstant(text);
  if (ms !== undefined) return ms;
  throw new Fault('BAD_REQUEST', { detail: `${name} '${text}' is no ISO 8601 instant with zone` });
}

function conservationRoutes(app: App, { db, requireScope }: IngestRoutesDeps): void {
  app.get('/v1/conservation', { schema: TAGS }, async (request) => {
    requireScope(request, 'readings:read');
    const [origins, tables] = [await totalsByOrigin(db), await storedRows(db)];
    return {
      origins: origins.map((row) =>
        Object.fromEntries(
          Object.entries(row).map(([k, v]) => [k, typeof v === 'bigint' ? Number(v) : v]),
        ),
      ),
      tables: { rows: Number(tables.rows), claimed: Number(tables.claimed) },
    };
  });
  const query = Type.Object({ days: Type.Optional(Type.Integer({ minimum: 1, maximum: 400 })) });
  app.get('/v1/completeness', { schema: { ...TAGS, querystring: query } }, async (request) => {
    requireScope(request, 'readings:read');
    const rows = await completeness(db, request.query.days ?? 31);
    return {
      days: rows.map((row) => ({
        date: row.local_date,
        expected: Number(row.expected),
        received: Number(row.received),
        estimated: Number(row.estimated),
        missing: Number(row.missing),
      })),
    };
  });
  app.get('/v1/exceptions', { schema: TAGS }, async (request) => {
    requireScope(request, 'readings:read');
    const rows = await openExceptions(db);
    return { rules: rows.map((row) => ({ ...row, exceptions: Number(row.exceptions) })) };
  });
}

function quarantineRoutes(app: App, deps: IngestRoutesDeps): void {
  const { db, clock, random, requireScope } = deps;
  app.get('/v1/quarantine', { schema: TAGS }, async (request) => {
    requireScope(request, 'quarantine:read');
    const rows = await quarantineByCode(db);
    return {
      reasons: rows.map(({ code, records, rows: entries, example }) => ({
        code,
        records: Number(records),
        entries: Number(entries),
        example,
      })),
    };
  });
  const body = Type.Object(
    { code: Type.Optional(Type.String()), meter: Type.Optional(Type.String()) },
    { additionalProperties: false },
  );
  app.post('/v1/quarantine/replay', { schema: { ...TAGS, body } }, async (request) => {
    const principal = requireScope(request, 'quarantine:replay');
    const pipeline = openPipeline(db, clock);
    return replayQuarantine(request.body, principal.name, { ...pipeline, random });
  });
}
