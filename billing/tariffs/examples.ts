/** The example tariffs that come with the project, by code. */
import { readFile } from 'node:fs/promises';

export const EXAMPLE_TARIFFS = {
  /** The YAML text. Rejects when there is no example of that name. */
  read: (name: string): Promise<string> =>
    readFile(
      new URL(`./examples/${name.replace(/[^a-z0-9-]/g, '')}.yaml`, import.meta.url),
      'utf8',
    ),
};
