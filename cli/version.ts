import { readFileSync } from 'node:fs';

/** Of package.json, which stands beside cli/ in the sources and two folders up when built. */
export const VERSION: string = (() => {
  for (const place of ['../package.json', '../../package.json']) {
    try {
      return (
        JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8')) as { version: string }
      ).version;
    } catch {
      // look in the next place
    }
  }
  return 'unknown';
})();
