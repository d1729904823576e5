/** One place that the machine's own apt takes packages from. */
export interface AptSource {
  readonly uri: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly signedBy?: string;
  readonly trusted: boolean;
}

export interface AptFile {
  readonly path: string;
  readonly text: string;
}

/** Reads sources.list (one line each) and *.sources (deb822) alike; `deb-src` is left out. */
export function parseAptSources(files: readonly AptFile[]): AptSource[] {
  return files.flatMap(({ path, text }) =>
    path.endsWith('.sources') ? parseDeb822(text) : parseOneLine(text),
  );
}

/** `deb [option=value ...] uri suite component...`, sources.list(5) "one-line-style format". */
function parseOneLine(text: string): AptSource[] {
  const sources: AptSource[] = [];
  for (const raw of text.split('\n')) {
    const line = raw.replace(/#.*$/, '').trim();
    const match = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*(.*)$/.exec(line);
    if (match === null) continue;
    const [, options = '', uri = '', suite = '', components = ''] = match;
    const option = (name: string) =>
      words(options)
        .find((word) => word.startsWith(`${name}=`))
        ?.slice(name.length + 1);
    sources.push(
      makeSource(uri, [suite], words(components), option('signed-by'), option('trusted')),
    );
  }
  return sources.filter(isReadable);
}

/** Stanzas of `Field: value` with continuation lines, sources.list(5) "deb822-style format". */
function parseDeb822(text: string): AptSource[] {
  const sources: AptSource[] = [];
  const withoutComments = text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n');
  for (const stanza of withoutComments.split(/\n\s*\n/)) {
    const fields = readFields(stanza);
    const enabled = (fields.get('enabled') ?? 'yes').toLowerCase();
    if (/^(no|false|without|off|disable|0)$/.test(enabled)) continue;
    if (!words(fields.get('types') ?? '').includes('deb')) continue;
    const signedBy = fields.get('signed-by');
    const suites = words(fields.get('suites') ?? '');
    const components = words(fields.get('components') ?? '');
    for (const uri of words(fields.get('uris') ?? '')) {
      sources.push(makeSource(uri, suites, components, signedBy, fields.get('trusted')));
    }
  }
  return sources.filter(isReadable);
}

function readFields(stanza: string): Map<string, string> {
  const fields = new Map<string, string>();
  let name = '';
  for (const line of stanza.split('\n')) {
    const match = /^([A-Za-z][A-Za-z0-9-]*):(.*)$/.exec(line);
    if (match !== null) {
      name = (match[1] ?? '').toLowerCase();
      fields.set(name, (match[2] ?? '').trim());
    } else if (name !== '' && /^\s/.test(line)) {
      fields.set(name, `${fields.get(name) ?? ''} ${line.trim()}`.trim());
    }
  }
  return fields;
}

function makeSource(
  uri: string,
  suites: readonly string[],
  components: readonly string[],
  signedBy: string | undefined,
  trusted: string | undefined,
): AptSource {
  // Signed-By may hold a whole key instead of a path; the machine's keyring then stands in for it.
  const keyring = signedBy?.startsWith('/') ? words(signedBy)[0] : undefined;
  return {
    uri,
    suites,
    components,
    ...(keyring === undefined ? {} : { signedBy: keyring }),
    trusted: trusted === 'yes' || trusted === 'true',
  };
}

const isReadable = (source: AptSource) => !source.uri.startsWith('cdrom:');

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

const DEBIAN_SUITE =
  /^(buster|bullseye|bookworm|trixie|forky|duke|sid|oldoldstable|oldstable|stable|testing|unstable)\/?$/;

/**
 * The sources that are archives of Debian itself, best first: a release suite by its own name with
 * component `main`. Security, updates and third-party archives do not carry the whole release.
 */
export function debianArchives(sources: readonly AptSource[]): AptSource[] {
  const archives = sources.filter(
    (source) =>
      source.components.includes('main') && source.suites.some((suite) => DEBIAN_SUITE.test(suite)),
  );
  return archives.filter(
    (source, index) => archives.findIndex((other) => other.uri === source.uri) === index,
  );
}
