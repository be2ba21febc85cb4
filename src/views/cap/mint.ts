// `ronctl cap mint` and `cap register` for people.

import type { CapMintResult } from '../../operations/cap/mint.ts';
import type { CapRegisterResult } from '../../operations/cap/register.ts';
import { fields, line, list, section, type TextModel } from '../../ui/text-model.ts';
import { dryRunBlocks, seconds } from '../kms/key.ts';

/** `written`: the file that holds the token. */
export function mintView(result: CapMintResult, written: string | null): TextModel {
  const unregistered = !result.registered && !result.dry_run;
  return [
    line(result.dry_run ? 'would mint' : 'minted', 'good'),
    fields([
      ...(result.id === null ? [] : ([['id', result.id, 'strong']] as const)),
      ...(result.root === null ? [] : ([['root', String(result.root)]] as const)),
      ['tenants', result.tenants.join(', ')],
      ['scopes', result.scopes.join(', ')],
      ['ends', seconds(result.expires_at)],
      ...(result.sub === null ? [] : ([['bearer', result.sub]] as const)),
      ...(result.once ? ([['use', 'once']] as const) : []),
      ...(written === null || result.dry_run ? [] : ([['token', written]] as const)),
    ]),
    section('caveats', [list(result.caveats)]),
    ...(unregistered ? [line('Not registered: the server refuses it until `ronctl cap register FILE`.', 'warn')] : []),
    ...dryRunBlocks(result.dry_run),
  ];
}

export function registerView(result: CapRegisterResult): TextModel {
  return [
    line(result.dry_run ? 'would register' : 'registered', 'good'),
    fields([
      ['id', result.id, 'strong'],
      ['root', String(result.root)],
      ['by', result.by === 'server' ? 'the running server' : 'this home'],
    ]),
    ...dryRunBlocks(result.dry_run),
  ];
}
