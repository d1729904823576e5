import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { checkTariffText } from '../../billing/tariffs/parse.ts';
import { listTariffs, saveTariff } from '../../db/tariffs.ts';
import { Fault } from '../../domain/index.ts';
import { type Context, withStore } from '../context.ts';
import { table } from '../output/table.ts';

export function registerTariffCommands(program: Command, context: () => Context): void {
  const tariffs = program.command('tariff').description('tariff documents: check, load, list');
  tariffs
    .command('check <file...>')
    .description('lists everything that is wrong with YAML or JSON tariffs; needs no database')
    .action(async (files: string[]) => {
      const ctx = context();
      for (const file of files) await checkedTariff(file);
      ctx.out(`${files.length} tariff${files.length === 1 ? '' : 's'} without problems`);
    });
  tariffs
    .command('load <file...>')
    .description('stores a new revision where the document has changed')
    .action(async (files: string[]) => {
      await withStore(context, async (ctx, db) => {
        for (const file of files) {
          const tariff = await checkedTariff(file);
          const saved = await db.transaction((tx) => saveTariff(tx, tariff.code, tariff, 'cli'));
          const what = saved.created ? 'stored as' : 'is already';
          ctx.out(`${tariff.code} ${what} revision ${saved.revision}`);
        }
      });
    });
  tariffs.command('list').action(async () => {
    await withStore(context, async (ctx, db) => {
      const rows = await listTariffs(db);
      ctx.out(
        table(
          [
            { head: 'code', value: (r) => r.code },
            { head: 'revision', right: true, value: (r) => r.revision },
            { head: 'hash', value: (r) => r.definition_hash.slice(0, 12) },
          ],
          rows,
        ),
      );
    });
  });
}

async function checkedTariff(file: string) {
  const { tariff, problems } = checkTariffText(await readFile(file, 'utf8'));
  if (tariff !== undefined) return tariff;
  const list = problems.map(({ at, message }) => (at === '' ? message : `${at}: ${message}`));
  throw new Fault('FILE_FORMAT', { file, detail: `\n  ${list.join('\n  ')}` });
}
