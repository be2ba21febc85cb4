// `ronctl kms attest` for people.

import type { KmsAttestResult } from '../../operations/kms/attest.ts';
import { fields, type TextModel } from '../../ui/text-model.ts';

export function attestView({ kid, attestation, issued_at, audit, dry_run }: KmsAttestResult): TextModel {
  const record = audit === null ? (dry_run ? 'none (dry run)' : 'none') : `${audit.index} of ${audit.origin}`;
  return [
    fields([
      ['key', kid],
      ['class', attestation.class],
      ['evidence', attestation.evidence === null ? 'none' : `${attestation.evidence.length} characters, with --json`],
      ['issued', issued_at ?? 'not said'],
      ['record', record],
    ]),
  ];
}
