// `governance export ID`: the request (everything that an air-gapped approver needs), or the signed proposal alone. `import`
// puts signed files into the inbox after their signatures were verified under the pinned set of this home.

import { within } from '../../bytes/decode.ts';
import { type Envelope, envelopeDigest, envelopeFile } from '../../envelope/dsse.ts';
import { RonError } from '../../errors.ts';
import { recogniseFile } from '../../governance/object-file.ts';
import { parsePossession } from '../../governance/possession.ts';
import { verifyProposal } from '../../governance/proposal.ts';
import { encodeRequest, parseRequest } from '../../governance/request.ts';
import { demandSignatures } from '../../governance/signatures.ts';
import { signerSetHash } from '../../governance/signer-set.ts';
import { verifyStatement } from '../../governance/statement.ts';
import { describeEnvelope } from '../../governance/submission.ts';
import { readGovernance } from '../../kms/service/governance-reader.ts';
import { buildRequest, locateProposal } from '../../kms/service/governance-request.ts';
import { inboxName } from '../../storage/inbox.ts';
import { type StoreContext, storeContext } from '../../storage/store-deps.ts';
import { readAuthority } from '../../storage/trust-pin.ts';
import type { OperationDeps } from '../deps.ts';
import { deliver, submittedTo } from './deliver.ts';
import { type IngestWish, ingestWritten } from './ingest.ts';
import { demandFullId, verifyAgainstPin } from './target.ts';

export interface ExportRequest {
  readonly id: string;
  readonly what: 'request' | 'proposal';
}

export interface ExportResult {
  readonly id: string;
  readonly what: string;
  readonly proposal_digest: string;
  readonly bytes: number;
  /** Statements in the request. */
  readonly statements: number;
  readonly ledger_seq: number | null;
}

export async function exportProposal(
  request: ExportRequest,
  deps: OperationDeps,
): Promise<{ readonly result: ExportResult; readonly file: Uint8Array }> {
  const ctx = await storeContext(deps);
  const reading = readGovernance(ctx);
  const located = locateProposal(ctx, reading, demandFullId(request.id), false);
  const digest = envelopeDigest(located.envelope);
  const common = { id: located.id, what: request.what, proposal_digest: digest };
  if (request.what === 'proposal') {
    const file = envelopeFile(located.envelope);
    return { result: { ...common, bytes: file.length, statements: 0, ledger_seq: located.entry?.seq ?? null }, file };
  }
  const built = buildRequest(reading, located);
  verifyAgainstPin(ctx, ctx.crypto, built);
  const file = encodeRequest(built);
  return {
    result: { ...common, bytes: file.length, statements: built.statements.length, ledger_seq: built.head.seq },
    file,
  };
}

export interface ImportRequest extends IngestWish {
  readonly files: readonly { readonly name: string; readonly bytes: Uint8Array }[];
}

export interface ImportedObject {
  readonly from: string;
  readonly type: string;
  readonly purpose: string;
  readonly by: string;
  readonly proposal_id: string | null;
  readonly digest: string;
  readonly file: string;
}

export interface ImportResult {
  readonly imported: readonly ImportedObject[];
  /** All of them stand in the ledger. */
  readonly ingested: boolean;
  /** The server that they were handed to. */
  readonly submitted_to?: string;
}

export interface ImportOutcome {
  readonly result: ImportResult;
  /** Of the ingest. */
  readonly error: RonError | undefined;
}

export async function importFiles(request: ImportRequest, deps: OperationDeps): Promise<ImportOutcome> {
  const ctx = await storeContext(deps);
  const objects = request.files.flatMap(({ name, bytes }) =>
    envelopesOf(name, bytes).map((envelope) => ({ name, envelope })),
  );
  const unique = new Map(objects.map((one) => [envelopeDigest(one.envelope), one]));
  const imported = [...unique.values()].map(({ name, envelope }) => verified(ctx, name, envelope));
  let taken = false;
  if (!deps.dryRun) {
    const files = [...unique].map(([digest, { envelope }]) => ({ digest, bytes: envelopeFile(envelope) }));
    taken = (await deliver(ctx, deps, files)).ingested;
  }
  const names = [...unique.keys()].map(inboxName);
  const { ingested, error } = await ingestWritten(request, names, deps);
  return { result: { imported, ingested: ingested || taken, ...submittedTo(deps) }, error };
}

/** One envelope, or the proposal and statements of a request. */
/** Its refusals name the file. */
function envelopesOf(name: string, bytes: Uint8Array): Envelope[] {
  const file = recogniseFile(bytes, name);
  if (file.kind === 'envelope') return [file.envelope];
  if (file.kind === 'request') {
    const request = parseRequest(bytes, name);
    return [request.proposal, ...request.statements];
  }
  throw new RonError('InvalidValue', `${name} is a draft; make it a proposal first`, {
    field: name,
    hint: `ronctl governance propose --from ${name} --attach KIND=FILE`,
  });
}

/** Signatures under the pinned set; whether it counts is for the ingest. */
function verified(ctx: StoreContext, from: string, envelope: Envelope): ImportedObject {
  const one = within(from, () => describeEnvelope(envelope, from));
  const { authority } = readAuthority(ctx, one.ledgerId);
  const named = one.statement?.signer_set_hash ?? one.proposal?.signer_set.hash;
  const set = authority.sets.find((known) => signerSetHash(known) === named) ?? authority.set;
  if (one.type === 'proposal') verifyProposal(ctx.crypto, envelope, set);
  if (one.type === 'statement') verifyStatement(ctx.crypto, envelope, set, signerSetHash(set));
  if (one.type === 'possession') demandSignatures(ctx.crypto, envelope, [parsePossession(envelope).member], from);
  const { type, purpose, by, proposalId, digest } = one;
  return { from, type, purpose, by, proposal_id: proposalId, digest, file: `inbox/${inboxName(digest)}` };
}
