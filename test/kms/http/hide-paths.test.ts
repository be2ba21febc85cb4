// Paths of the server do not leave it (API-30): relative below the home, the last name elsewhere, and nothing else is touched.

import { array, assert, constantFrom, oneof, property, string, stringMatching, tuple } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hidePaths, hidePathsIn } from '../../../src/kms/http/hide-paths.ts';

const HOME = '/srv/my keys/ronctl';

describe('paths in a text', () => {
  it.each([
    [`${HOME}/store/manifest.json: not what was written`, 'store/manifest.json: not what was written'],
    [`cannot read "${HOME}/audit/0/head" (EIO)`, 'cannot read "audit/0/head" (EIO)'],
    [`${HOME} belongs to uid 7, and this is root`, 'the home belongs to uid 7, and this is root'],
    [`file://${HOME}/a`, 'a'],
    [`${HOME}-old/store/x is in the way`, 'my keys/ronctl-old/store/x is in the way'],
    ['audit.dir: /var/log/ron/records, and /etc/ron/ron-kms.toml:3: no', 'audit.dir: records, and ron-kms.toml:3: no'],
    ['unix:/run/user/0/ronctl/1a2b3c4d.sock is in use.', 'unix:1a2b3c4d.sock is in use.'],
    ['give `--dir=/mnt/usb/` (/mnt/usb)', 'give `--dir=usb` (usb)'],
    ['file:///opt/x.js', 'x.js'],
  ])('%s', (text, hidden) => {
    expect(hidePaths(text, HOME)).toBe(hidden);
  });

  it.each([
    'acme/release/ed25519/5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81#v1 has no such version',
    'read https://127.0.0.1:7441/v1/kms/sign and /v1/kms/keys or /readyz; and/or 1/2',
    '<home>/ron-kms.toml, ~/.config/ronctl, ${XDG_CONFIG_HOME:-~/.config}/ronctl/config.toml',
    'store/keys/acme/x.json, half / half',
    'tenant: it has to match /^[a-z0-9][a-z0-9._-]{0,63}$/ or /^[a-z0-9._-]{0,63}\\/[a-z0-9-]{1,16}$/',
  ])('%s stays', (text) => {
    expect(hidePaths(text, HOME)).toBe(text);
  });

  it('members of data, their names too, but no bytes', () => {
    const data = { file_b64: '/9j/4AAQ', list: [{ [`${HOME}/a`]: `${HOME}/b` }, 7, null, true], at: '/tmp/x/y' };
    expect(hidePathsIn(data, HOME)).toEqual({ file_b64: '/9j/4AAQ', list: [{ a: 'b' }, 7, null, true], at: 'y' });
  });

  it('no text keeps a path that starts with the home', () => {
    const name = stringMatching(/^[\w .-]{1,8}$/);
    const home = array(name, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`);
    const between = oneof(
      constantFrom(' ', ': ', '"', '`', '(', '\n', '=', ' file://', '/', ','),
      string({ maxLength: 5 }),
    );
    assert(
      property(home, array(tuple(between, name)), between, (at, pieces, end) => {
        const text = pieces.map(([before, last]) => `${before}${at}/${last}`).join('') + end;
        const hidden = hidePaths(text, at);
        const left = [...hidden.matchAll(/(?<![\w.%~/}>)\]-])(?:file:\/\/)?(\/[^/].*)/g)].map(([, path]) => path!);
        expect(left.filter((path) => path.startsWith(`${at}/`))).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
