import { inject } from 'vitest';
import { MIGRATIONS_DIRECTORY, migrate, readMigrations } from '../../db/migrate.ts';
import { type Database, openDatabase } from '../../db/pool.ts';

export interface TestDatabase {
  readonly db: Database;
  readonly url: string;
  drop(): Promise<void>;
}

/** An empty, migrated database of its own on the test stack; drop() it in afterAll. */
export async function freshDatabase(label: string): Promise<TestDatabase> {
  const base = inject('databaseUrl');
  const name = `t_${label.replace(/[^a-z0-9]/g, '_')}_${process.pid}_${Date.now().toString(36)}`;
  const admin = openDatabase({ url: base, applicationName: 'test-admin', connectionsMax: 1 });
  await admin.query(`CREATE DATABASE ${name}`);
  const url = new URL(base);
  url.pathname = `/${name}`;
  const db = openDatabase({ url: url.href, applicationName: `test-${label}` });
  await migrate(db, await readMigrations(MIGRATIONS_DIRECTORY));
  return {
    db,
    url: url.href,
    async drop() {
      await db.close();
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await admin.close();
    },
  };
}
