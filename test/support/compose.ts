import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from '../../cli/stack/lock.ts';
import { shell } from '../../cli/stack/shell.ts';
import { cacheDirectoryOf } from '../../cli/stack/stack.ts';
import { requireTools } from '../../cli/stack/tools.ts';
import { unpackPackages } from '../../cli/stack/unpack.ts';

const PLUGIN = 'usr/libexec/docker/cli-plugins/docker-compose';

/**
 * The command that runs Docker Compose v2: the client's own plugin, else Debian's package unpacked
 * into the cache. `config` needs no Docker engine, so the compose file is always checked for real.
 */
export async function composeCommand(): Promise<readonly [string, ...string[]]> {
  if ((await shell('docker', ['compose', 'version'])).code === 0) return ['docker', 'compose'];
  const folder = join(cacheDirectoryOf({}), 'tools', 'docker-compose-trixie');
  const program = join(folder, PLUGIN);
  const ignore = () => undefined;
  await withLock(folder, ignore, async () => {
    if (existsSync(program)) return;
    await requireTools(['mmdebstrap'], ignore);
    mkdirSync(join(folder, '..'), { recursive: true });
    const fresh = `${folder}.new`;
    const wanted = { release: 'trixie', packages: ['docker-compose'] };
    await unpackPackages(fresh, wanted, undefined, ignore);
    rmSync(folder, { recursive: true, force: true });
    renameSync(fresh, folder);
  });
  return [program];
}
