import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { type Context, engines, openRedis, openStore } from '../context.ts';
import { type FileOutcome, importFile } from '../import/import-file.ts';
import { type ImportFlags, type ImportOptions, importOptions } from '../import/options.ts';
import { reportJson, reportText } from '../import/report.ts';
import { ImportSession, importPrefix } from '../import/session.ts';

interface Flags extends ImportFlags {
  readonly mapping?: string;
  readonly json?: boolean;
}

export function registerImportCommand(program: Command, context: () => Context): void {
  program
    .command('import <file...>')
    .description('meter data files (NEM12, series in columns; plain or gzip) into the database')
    .option('--create-meters', 'create service points, meters and channels that are not known')
    .option('--tariff <code>', 'with --create-meters: also customer, account and agreement')
    .option('--zone <zone>', 'zone of times without offset and of new service points')
    .option('--unit <unit>', 'unit of a series whose header names none, e.g. kWh')
    .option('--mapping <file>', 'YAML: columns of a series; units of NEM12 suffixes')
    .option('--no-close', 'leave the days of created channels open')
    .option('--json', 'one JSON object for programs')
    .action((files: string[], flags: Flags) => run(context(), files, flags));
}

async function run(ctx: Context, files: readonly string[], flags: Flags): Promise<void> {
  const file = flags.mapping;
  const mapping = file === undefined ? undefined : { file, text: await readFile(file, 'utf8') };
  const options = importOptions(flags, mapping);
  const target = await engines(ctx);
  const db = await openStore(ctx, target, { name: 'import' });
  try {
    (await openRedis(ctx, target)).disconnect();
    const directory = join(dirname(ctx.config.journalDirectory), 'import-journal');
    const session = await ImportSession.open({
      db,
      redisUrl: target.redisUrl,
      clock: ctx.clock,
      random: ctx.random,
      directory,
      prefix: importPrefix(directory),
      warn: (error, text) => ctx.log.warn({ err: error }, text),
    });
    try {
      await importAll(ctx, session, files, options, flags.json === true);
    } finally {
      await session.close();
    }
  } finally {
    await db.close();
  }
}

async function importAll(
  ctx: Context,
  session: ImportSession,
  files: readonly string[],
  options: ImportOptions,
  json: boolean,
): Promise<void> {
  const outcomes: FileOutcome[] = [];
  for (const path of files) {
    const outcome = await importFile(session, path, options, (done, total, note) =>
      ctx.progress.step(path, done, total, note),
    );
    ctx.progress.clear();
    outcomes.push(outcome);
  }
  const report = json ? reportJson : reportText;
  ctx.out(report(outcomes, session.recovered));
  if (outcomes.some(({ state }) => state === 'refused')) process.exitCode = 1;
}
