// `ronctl kms verify` for people: both answers.

import type { KmsVerifyResult } from '../../operations/kms/verify.ts';
import { fields, line, type TextModel, table } from '../../ui/text-model.ts';
import { trustBlocks } from './key.ts';

export function verifyView(result: KmsVerifyResult): TextModel {
  const { refusal, reason } = result;
  const legacy = result.legacy === undefined ? [] : ([['legacy', result.legacy, 'warn']] as const);
  const seen = result.witnessed?.quorum.cosigned.map((one) => one.witness).join(', ') || 'none wanted';
  const witnesses = result.witnessed === undefined ? [] : ([['witnesses of the proof', seen]] as const);
  const verdict =
    refusal === null
      ? line(result.legacy === 'proven' ? 'accepted as legacy' : 'accepted', 'good')
      : line(`${result.accepted ? 'accepted by the mode, but' : 'not accepted:'} ${reason ?? refusal}`, 'bad');
  return [
    fields([
      ['key', result.kid, 'strong'],
      ['payload (BLAKE3)', result.payload_b3],
      ['state', result.state],
      ['mode in force', result.required_mode ?? 'unknown here'],
      ['mode satisfied', result.satisfied_mode ?? 'none'],
      ...legacy,
      ...witnesses,
    ]),
    table(
      ['signature', 'verdict', 'why'],
      result.signatures.map((one) => [one.alg, one.valid ? 'valid' : 'INVALID', one.reason ?? '']),
    ),
    verdict,
    ...trustBlocks(result.trust),
  ];
}
