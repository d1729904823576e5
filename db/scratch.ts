/** Databases made for one purpose and dropped again: the demo, benchmarks. */
import { openDatabase } from './pool.ts';

const NAME = /^[a-z][a-z0-9_]{0,62}$/;

/** Creates it anew, dropping what a killed run left; returns its URL. */
export async function createDatabase(baseUrl: string, name: string): Promise<string> {
  await asAdmin(baseUrl, async (run) => {
    await run(`DROP DATABASE IF EXISTS ${checked(name)} WITH (FORCE)`);
    await run(`CREATE DATABASE ${checked(name)}`);
  });
  const url = new URL(baseUrl);
  url.pathname = `/${name}`;
  return url.href;
}

export function dropDatabase(baseUrl: string, name: string): Promise<void> {
  return asAdmin(baseUrl, (run) => run(`DROP DATABASE IF EXISTS ${checked(name)} WITH (FORCE)`));
}

/** A name goes into the statement as it is: only what needs no quoting is taken. */
function checked(name: string): string {
  if (NAME.test(name)) return name;
  throw new RangeError(`'${name}' is no plain database name`);
}

async function asAdmin(
  url: string,
  work: (run: (sql: string) => Promise<void>) => Promise<void>,
): Promise<void> {
  const db = openDatabase({ url, applicationName: 'meterline-scratch', connectionsMax: 1 });
  try {
    await work(async (sql) => void (await db.query(sql)));
  } finally {
    await db.close();
  }
}
