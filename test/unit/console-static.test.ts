/** Goal: the console's files come fresh or cached as they may, and its absence is said plainly. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify from 'fastify';
import { afterAll, describe, expect, it } from 'vitest';
import { consolePlugin } from '../../cli/api/console.ts';

async function serve(directory: string) {
  const app = Fastify();
  app.decorateRequest('principal', null);
  await app.register(consolePlugin(directory));
  return app;
}

describe('the console behind the api role', () => {
  const directory = `${mkdtempSync(join(tmpdir(), 'meterline-console-'))}/`;
  mkdirSync(`${directory}assets`);
  writeFileSync(`${directory}index.html`, '<p>console</p>');
  writeFileSync(`${directory}assets/a-1234.js`, '1');
  afterAll(() => rmSync(directory, { recursive: true }));

  it('says in a sentence that it was not built', async () => {
    const app = await serve(`${directory}nothing/`);
    const answer = await app.inject('/console/');
    expect(answer.statusCode).toBe(404);
    expect(answer.body).toContain('The console was not built.');
    expect(answer.headers['content-type']).toContain('text/html');
    await app.close();
  });

  it('serves the page fresh and its hashed assets for good', async () => {
    const app = await serve(directory);
    expect((await app.inject('/console')).headers.location).toBe('/console/');
    const page = await app.inject('/console/');
    expect([page.body, page.headers['cache-control']]).toEqual(['<p>console</p>', 'no-cache']);
    const asset = await app.inject('/console/assets/a-1234.js');
    expect(asset.headers['cache-control']).toContain('immutable');
    const outside = await app.inject('/console/..%2f..%2fetc%2fpasswd');
    expect(outside.statusCode).toBeGreaterThanOrEqual(400);
    await app.close();
  });

  it('tells nobody who they are without a key', async () => {
    const app = await serve(directory);
    expect((await app.inject('/v1/session')).statusCode).not.toBe(200);
    await app.close();
  });
});
