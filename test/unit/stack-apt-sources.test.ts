import { describe, expect, it } from 'vitest';
import { debianArchives, parseAptSources } from '../../cli/stack/apt-sources.ts';

const list = (text: string) => parseAptSources([{ path: '/etc/apt/sources.list', text }]);
const deb822 = (text: string) => parseAptSources([{ path: '/etc/apt/x.sources', text }]);

describe('one-line sources', () => {
  it('reads uri, suite and components, and leaves deb-src and comments out', () => {
    const sources = list(
      [
        '# deb http://commented.example/debian bookworm main',
        'deb http://archive.example/debian bookworm main contrib # the main one',
        'deb-src http://archive.example/debian bookworm main',
        '   deb\thttp://tabs.example/debian   trixie\tmain  ',
        'nonsense',
        '',
      ].join('\n'),
    );
    expect(sources).toEqual([
      {
        uri: 'http://archive.example/debian',
        suites: ['bookworm'],
        components: ['main', 'contrib'],
        trusted: false,
      },
      {
        uri: 'http://tabs.example/debian',
        suites: ['trixie'],
        components: ['main'],
        trusted: false,
      },
    ]);
  });

  it('reads options in any number and order', () => {
    const [source] = list(
      'deb [ arch=amd64,arm64 signed-by=/usr/share/keyrings/a.gpg trusted=yes ] https://a.example sid main',
    );
    expect(source).toEqual({
      uri: 'https://a.example',
      suites: ['sid'],
      components: ['main'],
      signedBy: '/usr/share/keyrings/a.gpg',
      trusted: true,
    });
  });

  it('ignores installation media', () => {
    const sources = list(
      'deb cdrom:[Debian 12 _Bookworm_ - Official]/ bookworm main\n' +
        'deb http://archive.example/debian bookworm main',
    );
    expect(sources.map((source) => source.uri)).toEqual(['http://archive.example/debian']);
  });
});

describe('deb822 sources', () => {
  it('reads every uri of every enabled stanza of type deb', () => {
    const sources = deb822(
      [
        '# a comment above',
        'Types: deb deb-src',
        '# a comment inside',
        'URIs: http://one.example/debian https://two.example/debian',
        'Suites: trixie trixie-updates',
        'Components: main non-free-firmware',
        'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg',
        '',
        'Types: deb',
        'URIs: http://off.example/debian',
        'Suites: trixie',
        'Components: main',
        'Enabled: no',
        '',
        'Types: deb-src',
        'URIs: http://source.example/debian',
        'Suites: trixie',
        'Components: main',
      ].join('\n'),
    );
    expect(sources.map((source) => source.uri)).toEqual([
      'http://one.example/debian',
      'https://two.example/debian',
    ]);
    expect(sources[0]).toEqual({
      uri: 'http://one.example/debian',
      suites: ['trixie', 'trixie-updates'],
      components: ['main', 'non-free-firmware'],
      signedBy: '/usr/share/keyrings/debian-archive-keyring.gpg',
      trusted: false,
    });
  });

  it('joins continued fields and drops a key written out in Signed-By', () => {
    const [source] = deb822(
      [
        'types: deb',
        'uris:',
        ' http://archive.example/debian',
        'suites: stable',
        'components:',
        '  main',
        '  contrib',
        'signed-by:',
        ' -----BEGIN PGP PUBLIC KEY BLOCK-----',
        ' .',
        ' mQINBF',
        ' -----END PGP PUBLIC KEY BLOCK-----',
      ].join('\n'),
    );
    expect(source).toEqual({
      uri: 'http://archive.example/debian',
      suites: ['stable'],
      components: ['main', 'contrib'],
      trusted: false,
    });
  });
});

describe('the archives of Debian among them', () => {
  it('leaves security, updates, backports and third parties out, and each archive once', () => {
    const sources = list(
      [
        'deb http://security.example/debian-security bookworm-security main',
        'deb http://archive.example/debian bookworm main',
        'deb http://archive.example/debian bookworm-updates main',
        'deb http://archive.example/debian trixie main',
        'deb http://back.example/debian bookworm-backports main',
        'deb https://vendor.example/node nodistro main',
        'deb https://vendor.example/docker bookworm stable',
        'deb https://vendor.example/pg bookworm-pgdg main',
        'deb http://ubuntu.example/ubuntu noble main universe',
        'deb http://contrib.example/debian bookworm contrib',
        'deb http://second.example/debian sid main',
      ].join('\n'),
    );
    expect(debianArchives(sources).map((source) => source.uri)).toEqual([
      'http://archive.example/debian',
      'http://second.example/debian',
    ]);
  });
});
