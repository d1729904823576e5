import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { parse } from 'yaml';
import { loadMasterData, type MasterData } from '../../db/master.ts';
import { describeError, Fault } from '../../domain/index.ts';
import { type Context, withStore } from '../context.ts';

const SECTIONS: readonly (keyof MasterData)[] = [
  'customers',
  'accounts',
  'servicePoints',
  'meters',
  'channels',
  'installations',
  'agreements',
];

export function registerMasterCommands(program: Command, context: () => Context): void {
  program
    .command('master')
    .description('customers, accounts, service points, meters, channels, agreements')
    .command('load <file...>')
    .description('load YAML or JSON by natural keys; loading again changes nothing')
    .action(async (files: string[]) => {
      await withStore(context, async (ctx, db) => {
        for (const file of files) {
          const data = parseMaster(file, await readFile(file, 'utf8'));
          const counts = await db.transaction((tx) => loadMasterData(tx, data, 'cli'));
          const written = SECTIONS.map((s) => `${counts[s]} ${s}`).join(', ');
          ctx.out(`${file}: ${written}`);
        }
      });
    });
}

function parseMaster(file: string, text: string): MasterData {
  let data: unknown;
  try {
    data = parse(text);
  } catch (error) {
    throw new Fault('FILE_FORMAT', { file, detail: describeError(error) });
  }
  const unknown = Object.keys(Object(data)).filter(
    (k) => !SECTIONS.includes(k as keyof MasterData),
  );
  if (typeof data !== 'object' || data === null || unknown.length > 0) {
    throw new Fault('FILE_FORMAT', {
      file,
      detail: `expected the sections ${SECTIONS.join(', ')}; found ${unknown.join(', ') || 'none'}`,
    });
  }
  return data as MasterData;
}
