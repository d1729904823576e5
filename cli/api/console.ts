/** The web console: static files under /console/, and who the bearer of a key is. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import { Type } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { Fault } from '../../domain/index.ts';

const NOT_BUILT = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Meterline</title>
<h1>The console was not built.</h1>
<p>Run <code>npm run build:console</code> and start this process again. The API is not affected.</p>
</html>
`;

/** Seen from the sources and from dist/cli/api. */
const PLACES = ['../../console/dist/', '../../../console/dist/'];

function builtConsole(): string | undefined {
  return PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((directory) =>
    existsSync(`${directory}index.html`),
  );
}

/** `directory` holds the built files; absent: where the build puts them. */
export function consolePlugin(directory: string | undefined = builtConsole()) {
  return async (app: FastifyInstance): Promise<void> => {
    sessionRoute(app);
    const hidden = { schema: { hide: true } };
    app.get('/console', hidden, async (_request, reply) => reply.redirect('/console/'));
    if (directory === undefined || !existsSync(directory)) {
      app.get('/console/*', hidden, async (_request, reply) =>
        reply.code(404).type('text/html; charset=utf-8').send(NOT_BUILT),
      );
      return;
    }
    await app.register(fastifyStatic, {
      root: directory,
      prefix: '/console/',
      decorateReply: false,
      cacheControl: false,
      schemaHide: true,
      setHeaders(reply, path) {
        // Names of assets carry a hash of what they hold; the page that names them must be fresh.
        const hashed = path.startsWith(`${directory}assets/`);
        reply.header('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache');
      },
    });
  };
}

const SessionBody = Type.Object({
  name: Type.String(),
  scopes: Type.Array(Type.String()),
});

/** Any valid key may ask who it is: a page shows only what its holder may see. */
function sessionRoute(app: FastifyInstance): void {
  const schema = { tags: ['operation'], response: { 200: SessionBody } };
  app.get('/v1/session', { schema }, async ({ principal }) => {
    if (principal === null) throw new Fault('UNAUTHENTICATED');
    return { name: principal.name, scopes: [...principal.scopes] };
  });
}
