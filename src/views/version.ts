// `ronctl version` for people.

import type { VersionResult } from '../operations/version.ts';
import { fields, line, type TextModel } from '../ui/text-model.ts';

export function versionView(result: VersionResult): TextModel {
  return [
    line(`${result.name} ${result.version}${result.build === 'dev' ? ' dev' : ''}`, 'strong'),
    fields([
      ['runtime', `${result.runtime} (${result.platform})`],
      ['OpenSSL', result.openssl],
      ['SQLite', result.sqlite],
      ['crypto provider', result.crypto_provider],
    ]),
  ];
}
