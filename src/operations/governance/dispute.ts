// `governance dispute INDEX...` (governance page 8, GAP-55): a member or the auditor says, signed, that records of the log are
// disputed. The records are read, proved under the newest checkpoint and named by their leaves; of the text only the digest is
// signed. It goes through the inbox like every signed file, becomes a line of the ledger, and edits nothing.

import { toTime } from '../../bytes/time.ts';
import { sha256Hex } from '../../crypto/hash.ts';
import { envelopeDigest, envelopeFile } from '../../envelope/dsse.ts';
import { signDual } from '../../envelope/dual-signature.ts';
import { RonError } from '../../errors.ts';
import { admitDispute, buildDispute, claimantOf, type DisputedRecord, disputeId } from '../../governance/dispute.ts';
import type { Identity } from '../../governance/signatures.ts';
import { dualKeys } from '../../governance/signatures.ts';
import { demandState, readGovernance } from '../../kms/service/governance-reader.ts';
import { inboxName } from '../../storage/inbox.ts';
import { signerIds } from '../../storage/signer-bundle-file.ts';
import { openSigner } from '../../storage/signer-store.ts';
import { type StoreContext, storeContext } from '../../storage/store-deps.ts';
import { auditShow } from '../audit/show.ts';
import type { AuditDeps } from '../audit/target.ts';
import type { OperationDeps } from '../deps.ts';
import { deliver, submittedTo } from './deliver.ts';
import { type IngestWish, ingestWritten } from './ingest.ts';

export interface DisputeRequest extends IngestWish {
  readonly indexes: readonly number[];
  readonly epoch: number | null;
  readonly text: Uint8Array;
  /** --signer, RONCTL_SIGNER or signer.default. */
  readonly signer: string | null;
}

export interface DisputeResult {
  readonly dispute_id: string;
  readonly digest: string;
  readonly ledger_id: string;
  readonly claimant: string;
  readonly at: string;
  readonly text_sha256: string;
  readonly records: readonly (DisputedRecord & { readonly op: string })[];
  /** `inbox/<name>` in this home. */
  readonly file: string;
  readonly ingested: boolean;
  /** The server that it was handed to. */
  readonly submitted_to?: string;
  readonly next: string;
}

/** The one that was named, else the only signer of this home that may file one. */
function claimantHere(ctx: StoreContext, ids: (id: string) => Identity | null, wanted: string | null): Identity {
  const here = signerIds(ctx);
  if (wanted !== null && !here.includes(wanted)) {
    throw new RonError('NotInitialised', `there is no signer ${wanted} in this home`, {
      field: '--signer',
      hint: `Signers here: ${here.join(', ') || 'none'}`,
    });
  }
  const fitting = (wanted === null ? here : [wanted]).flatMap((id) => ids(id) ?? []);
  if (fitting.length === 1) return fitting[0]!;
  if (wanted !== null) {
    throw new RonError('PolicyRefused', `${wanted} is neither a member nor the auditor of this ledger`, {
      field: '--signer',
    });
  }
  const found = fitting.map((one) => one.id).join(', ');
  throw new RonError(
    'AmbiguousSigner',
    fitting.length === 0 ? 'no signer of this home may dispute' : 'more than one signer of this home may dispute',
    { field: '--signer', hint: found === '' ? `Signers here: ${here.join(', ') || 'none'}` : `Name one: ${found}` },
  );
}

/** `reading`: where log and ledger are read, the server that --kms names included. */
export async function fileDispute(
  request: DisputeRequest,
  reading: AuditDeps,
  deps: OperationDeps,
): Promise<{ readonly result: DisputeResult; readonly bytes: Uint8Array; readonly error: RonError | undefined }> {
  const records = [];
  for (const index of [...new Set(request.indexes)].sort((a, b) => a - b)) {
    const { leaf, signed, record } = await auditShow({ index, epoch: request.epoch }, reading);
    if (!signed) {
      throw new RonError('Inconclusive', `record ${index} is not under a checkpoint yet: nobody has signed it`, {
        field: 'INDEX',
        hint: 'Sign the log first: `ronctl audit checkpoint`.',
      });
    }
    const { op } = record;
    records.push({ index, leaf, op: typeof op === 'string' ? op : 'unknown' });
  }
  const state = demandState(readGovernance(await storeContext({ ...deps, ...reading })));
  const ctx = await storeContext(deps);
  const by = claimantHere(ctx, (id) => claimantOf(state, id), request.signer);
  const at = toTime(ctx.clock.now());
  const built = buildDispute({
    ledger_id: state.ledgerId,
    refs: records.map(({ index, leaf }) => ({ index, leaf })),
    claimant: by.id,
    text_sha256: `sha256:${sha256Hex(request.text)}`,
    at,
  });
  const signer = await openSigner(deps, by.id);
  let envelope: Parameters<typeof envelopeFile>[0];
  try {
    const { payloadType, payload } = built;
    const keys = await signer.keysFor(by.keys);
    const signatures = await signDual(ctx.crypto, payloadType, payload, by.id, keys, dualKeys(by.keys));
    envelope = { payloadType, payload, signatures };
  } finally {
    signer.close();
  }
  // What the ledger would refuse is not handed out.
  const { text_sha256 } = admitDispute(state, envelope, at, ctx.crypto);
  const digest = envelopeDigest(envelope);
  const bytes = envelopeFile(envelope);
  const file = inboxName(digest);
  const delivered = deps.dryRun ? { ingested: false } : await deliver(ctx, deps, [{ digest, bytes }]);
  const { ingested, error } = deps.dryRun
    ? { ingested: false, error: undefined }
    : await ingestWritten(request, [file], deps);
  const result: DisputeResult = {
    dispute_id: disputeId(digest),
    digest,
    ledger_id: state.ledgerId,
    claimant: by.id,
    at,
    text_sha256,
    records,
    file: `inbox/${file}`,
    ingested: delivered.ingested || ingested,
    ...submittedTo(deps),
    next: delivered.ingested || ingested ? `ronctl audit show ${records[0]!.index}` : 'ronctl governance ingest',
  };
  return { result, bytes, error };
}
