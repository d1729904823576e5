import { stackFault } from './errors.ts';
import { postgresAnswers, redisAnswers } from './probe.ts';

export interface GivenUrls {
  readonly databaseUrl: string;
  readonly redisUrl: string;
}

/** The URLs the caller was given, or undefined when none; one without the other is a mistake. */
export function givenUrls(
  databaseUrl: string | undefined,
  redisUrl: string | undefined,
): GivenUrls | undefined {
  if (!databaseUrl && !redisUrl) return undefined;
  if (!databaseUrl || !redisUrl) {
    const [given, missing] = databaseUrl
      ? ['DATABASE_URL', 'REDIS_URL']
      : ['REDIS_URL', 'DATABASE_URL'];
    throw stackFault('bad-urls', `${given} is set but ${missing} is not; set both or neither`);
  }
  checkUrl('DATABASE_URL', databaseUrl, ['postgres:', 'postgresql:']);
  checkUrl('REDIS_URL', redisUrl, ['redis:', 'rediss:']);
  return { databaseUrl, redisUrl };
}

function checkUrl(name: string, text: string, schemes: readonly string[]): void {
  if (URL.canParse(text) && schemes.includes(new URL(text).protocol)) return;
  throw stackFault('bad-urls', `${name} is no URL that starts with ${schemes.join('// or ')}//`);
}

/** Fails unless both servers answer now. */
export async function requireAnswers(urls: GivenUrls): Promise<void> {
  const [postgres, redis] = await Promise.all([
    postgresAnswers(urls.databaseUrl),
    redisAnswers(urls.redisUrl),
  ]);
  const troubles = [
    ...(postgres.ready ? [] : [`DATABASE_URL ${hostOf(urls.databaseUrl)}: ${postgres.why}`]),
    ...(redis.ready ? [] : [`REDIS_URL ${hostOf(urls.redisUrl)}: ${redis.why}`]),
  ];
  if (troubles.length === 0) return;
  throw stackFault(
    'no-answer',
    `${troubles.join('; ')}. Start those servers, or unset both variables to get a local stack.`,
  );
}

const hostOf = (url: string) => new URL(url).host;

/** A URL that may be shown: the password is left out. */
export function withoutPassword(url: string): string {
  const shown = new URL(url);
  if (shown.password !== '') shown.password = '***';
  return shown.toString();
}
