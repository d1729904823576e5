/** A file that stops every breaker of this machine while it exists. Needs no other service. */
import { statSync } from 'node:fs';

/** True while the file is there, and when that cannot be found out. */
export function killFile(path: string): () => boolean {
  return () => {
    try {
      statSync(path);
      return true;
    } catch (error) {
      return (error as { code?: string }).code !== 'ENOENT';
    }
  };
}
