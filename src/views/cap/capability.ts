// A capability for people: `cap inspect`, `cap attenuate`, `cap verify`. The token itself is never shown.

import type { DescribedCapability } from '../../operations/cap/describe.ts';
import type { CapInspectResult } from '../../operations/cap/inspect.ts';
import type { CapVerifyResult } from '../../operations/cap/verify.ts';
import { type Block, fields, line, list, section, type TextModel, type Tone } from '../../ui/text-model.ts';
import { seconds } from '../kms/key.ts';

function identity(of: DescribedCapability): Block {
  return fields([
    ['id', of.id, 'strong'],
    ['root', String(of.root)],
    ...(of.sub === null ? [] : ([['bearer', of.sub]] as const)),
    ['minted', `${seconds(of.minted_at)} by ${of.minted_by}`],
    ...(of.once ? ([['use', 'once']] as const) : []),
    ...(of.third_party === 0 ? [] : ([['discharges needed', String(of.third_party)]] as const)),
  ]);
}

function leftOver({ effective, refusal }: DescribedCapability): Block {
  if (effective === null) return line(`allows nothing: ${refusal ?? ''}`, 'bad');
  const narrowed = [
    ['algorithms', effective.algs?.join(', ')],
    ['purposes', effective.purposes?.join(', ')],
    ['key', effective.kid],
    ['requests per second', effective.rps === null ? null : String(effective.rps)],
    ['operation', effective.nonce],
    ['begins', effective.not_before === null ? null : seconds(effective.not_before)],
  ] as const;
  return fields([
    ['tenants', effective.tenants.join(', ')],
    ['scopes', effective.scopes.join(', ')],
    ['ends', seconds(effective.expires_at)],
    ...narrowed.flatMap(([label, value]) =>
      value === null || value === undefined ? [] : ([[label, value]] as [string, string][]),
    ),
  ]);
}

const blocks = (of: DescribedCapability): readonly Block[] => [
  identity(of),
  section('caveats', [list(of.caveats)]),
  section('what they leave', [leftOver(of)]),
];

/** `written`: the file that holds the narrower token. */
export function capabilityView(result: DescribedCapability, written: string | null): TextModel {
  return [line('narrowed', 'good'), ...blocks(result), ...(written === null ? [] : [fields([['token', written]])])];
}

export function inspectView(result: CapInspectResult): TextModel {
  return [
    line('capability; nothing of it is authenticated'),
    ...blocks(result),
    ...(result.expired === true ? [line('expired by the clock of this machine', 'warn')] : []),
    line('Whether it is genuine, registered and not revoked: ronctl cap verify', 'dim'),
  ];
}

const TONES: Readonly<Record<CapVerifyResult['verdict'], Tone>> = {
  valid: 'good',
  forged: 'bad',
  refused: 'warn',
  inconclusive: 'warn',
};

export function verifyView(result: CapVerifyResult): TextModel {
  return [
    line(result.verdict, TONES[result.verdict]),
    ...blocks(result),
    section(
      'checks',
      result.checks.map(({ what, ok, found }) =>
        line(`${ok ? 'ok  ' : 'no  '}${what}${found === null ? '' : `: ${found}`}`, ok ? 'plain' : 'bad'),
      ),
    ),
  ];
}
