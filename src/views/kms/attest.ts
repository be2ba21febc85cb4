// `ronctl kms attest` for people.

import type { KmsAttestResult } from '../../operations/kms/attest.ts';
import { fields, type TextModel } from '../../ui/text-model.ts';

/** `path`: where the evidence was written, or null. */
export function attestView(result: KmsAttestResult, path: string | null): TextModel {
  const { kid, attestation, issued_at, audit, dry_run } = result;
  const shown = dry_run || path === null ? 'not written; use --out' : path;
  const record = audit === null ? (dry_run ? 'none (dry run)' : 'none') : `${audit.index} of ${audit.origin}`;
  return [
    fields([
      ['key', kid],
      ['class', attestation.class],
      ['evidence', attestation.evidence === null ? 'none' : shown],
      ['issued', issued_at ?? 'not said'],
      ['record', record],
    ]),
  ];
}
