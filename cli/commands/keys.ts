import type { Command } from 'commander';
import { createApiKey, listApiKeys, revokeApiKey } from '../../db/api-keys.ts';
import { Fault, formatInstant, ROLES, type RoleName, SCOPES } from '../../domain/index.ts';
import { type Context, withStore } from '../context.ts';
import { table } from '../output/table.ts';

/** A role's scopes, or the scopes listed. Throws BAD_REQUEST for a name that is neither. */
export function scopesOf(names: readonly string[]): string[] {
  const scopes = names.flatMap((name) => {
    if (Object.hasOwn(ROLES, name)) return [...ROLES[name as RoleName]];
    if ((SCOPES as readonly string[]).includes(name)) return [name];
    throw new Fault('BAD_REQUEST', {
      detail: `'${name}' is neither a role (${Object.keys(ROLES).join(', ')}) nor a scope`,
    });
  });
  return [...new Set<string>(scopes)];
}

export function registerKeysCommands(program: Command, context: () => Context): void {
  const keys = program.command('keys').description('API keys: create, list, revoke');
  keys
    .command('create <name> <role-or-scope...>')
    .description('a new key; its token is shown this once')
    .option('--days <days>', 'valid for so many days', '365')
    .action(async (name: string, names: string[], flags: { days: string }) => {
      const scopes = scopesOf(names);
      const days = Number(flags.days);
      if (!(days > 0 && days <= 3_650))
        throw new Fault('BAD_REQUEST', { detail: '--days 1..3650' });
      await withStore(context, async (ctx, db) => {
        const expiresAtMs = ctx.clock.nowMs() + days * 86_400_000;
        const key = await createApiKey(db, ctx.random, { name, scopes, expiresAtMs });
        ctx.out(key.token);
      });
    });
  keys
    .command('list')
    .option('--json', 'one JSON object for programs')
    .action(async (flags: { json?: boolean }) => {
      await withStore(context, async (ctx, db) => {
        const rows = await listApiKeys(db);
        if (flags.json === true) return ctx.out(JSON.stringify(rows));
        ctx.out(
          table(
            [
              { head: 'name', value: (r) => r.name },
              { head: 'prefix', value: (r) => r.prefix },
              { head: 'expires', value: (r) => day(r.expires_at) },
              { head: 'revoked', value: (r) => day(r.revoked_at) },
              { head: 'scopes', value: (r) => r.scopes.join(' ') },
            ],
            rows,
          ),
        );
      });
    });
  keys.command('revoke <name>').action(async (name: string) => {
    await withStore(context, async (ctx, db) => {
      if (!(await revokeApiKey(db, name))) throw new Fault('NOT_FOUND', { what: `key ${name}` });
      ctx.out(`${name} is revoked`);
    });
  });
}

function day(ms: number | null): string {
  return ms === null ? '-' : formatInstant(ms).slice(0, 10);
}
