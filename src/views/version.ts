// `ronctl version` for people.

import type { PackageCheck } from '../operations/package-check.ts';
import type { VersionResult } from '../operations/version.ts';
import { fields, line, section, type TextModel, type Tone } from '../ui/text-model.ts';

const LISTED = 10;

const someOf = (paths: readonly string[]): string =>
  [...paths.slice(0, LISTED), ...(paths.length > LISTED ? [`and ${paths.length - LISTED} more`] : [])].join('\n');

function packageBlocks(check: PackageCheck): TextModel {
  const { verdict, files, changed, missing, unlisted, digest, words, runtime } = check;
  const rows = (label: string, paths: readonly string[]): [string, string, Tone][] =>
    paths.length === 0 ? [] : [[label, someOf(paths), 'bad']];
  return [
    fields([
      ['verdict', `${verdict} (${files} files)`, verdict === 'intact' ? 'good' : 'bad'],
      ...rows('changed', changed),
      ...rows('missing', missing),
      ...rows('not listed', unlisted),
      ['runtime', runtime.listed_as ?? `${runtime.path} is not of the package`],
      ['digest', digest],
      ['words', [0, 4, 8].map((from) => words.slice(from, from + 4).join(' ')).join('\n')],
    ]),
  ];
}

export function versionView(result: VersionResult): TextModel {
  return [
    line(`${result.name} ${result.version}${result.build === 'dev' ? ' dev' : ''}`, 'strong'),
    fields([
      ['runtime', `${result.runtime} (${result.platform})`],
      ['OpenSSL', result.openssl],
      ['SQLite', result.sqlite],
      ['crypto provider', result.crypto_provider],
    ]),
    ...(result.package === undefined ? [] : [section('installed files', packageBlocks(result.package))]),
  ];
}
