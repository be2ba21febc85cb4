// Releasing a statement (governance page 12, I-27): the signer's memory is committed before anything leaves. The memory
// refuses an older request and a vote against an earlier one; --unsafe-sign-anyway overrides the second and is recorded.
// Attack: a signer is shown an old state, or signs both ways without knowing.

import type { Json, JsonObject } from '../../bytes/canonical-json.ts';
import { type Envelope, envelopeDigest, envelopeFile } from '../../envelope/dsse.ts';
import { signDual } from '../../envelope/dual-signature.ts';
import { RonError } from '../../errors.ts';
import type { PublicKeys } from '../../governance/names.ts';
import { dualKeys } from '../../governance/signatures.ts';
import {
  contradiction,
  EMPTY_MEMORY,
  type Newest,
  type RememberedStatement,
  refuseOlder,
  remember,
  type SignerMemory,
  signerMemory,
} from '../../governance/signer-memory.ts';
import type { CheckpointRef, Purpose } from '../../governance/statement.ts';
import { inboxName } from '../../storage/inbox.ts';
import type { OpenSigner } from '../../storage/signer-store.ts';
import type { StoreContext } from '../../storage/store-deps.ts';
import type { OperationDeps } from '../deps.ts';
import { deliver } from './deliver.ts';

export function readMemory(signer: OpenSigner, ledgerId: string): SignerMemory {
  const json = signer.memory(ledgerId);
  return json === null ? EMPTY_MEMORY : signerMemory(json, 'signer-memory');
}

export interface ReleaseInput {
  readonly ledgerId: string;
  readonly built: { readonly payloadType: string; readonly payload: Uint8Array };
  readonly id: string;
  readonly keys: PublicKeys;
  readonly newest: Newest;
  readonly purpose: Purpose | 'author' | 'possession';
  readonly proposalDigest: string;
  readonly baseState: string;
  readonly changedKeys: readonly string[];
  readonly at: string;
  readonly retracts?: string;
  /** `prev_checkpoint` of a restore-accept. */
  readonly accepts?: CheckpointRef;
  readonly unsafe: boolean;
  readonly dryRun: boolean;
}

export interface Released {
  readonly envelope: Envelope;
  readonly digest: string;
  readonly bytes: Uint8Array;
  /** Name in the inbox. */
  readonly file: string;
  /** A server has taken it into its ledger. */
  readonly ingested: boolean;
}

/** Refuses, signs, remembers, writes the inbox; in a dry run it stops before it remembers. */
export async function release(
  ctx: StoreContext,
  signer: OpenSigner,
  input: ReleaseInput,
  deps: OperationDeps,
): Promise<Released> {
  const memory = readMemory(signer, input.ledgerId);
  refuseOlder(memory, input.newest, input.accepts ?? null);
  refuseContradiction(memory, input);
  const { payloadType, payload } = input.built;
  const signatures = await signDual(
    ctx.crypto,
    payloadType,
    payload,
    input.id,
    await signer.keysFor(input.keys),
    dualKeys(input.keys),
  );
  const envelope: Envelope = { payloadType, payload, signatures };
  const digest = envelopeDigest(envelope);
  const bytes = envelopeFile(envelope);
  const released = { envelope, digest, bytes, file: inboxName(digest), ingested: false };
  if (input.dryRun) return released;
  if (input.purpose !== 'possession') {
    const remembered: RememberedStatement = {
      proposal_digest: input.proposalDigest,
      purpose: input.purpose,
      base_state: input.baseState,
      keys: input.changedKeys,
      at: input.at,
      digest,
      ...(input.retracts === undefined ? {} : { retracts: input.retracts }),
      ...(input.unsafe ? { unsafe: true } : {}),
    };
    const next = remember(memory, remembered, input.newest);
    await signer.commitMemory(input.ledgerId, {
      newest: next.newest,
      statements: next.statements,
    } as unknown as JsonObject satisfies Json);
  }
  return { ...released, ...(await deliver(ctx, deps, [{ digest, bytes }])) };
}

function refuseContradiction(memory: SignerMemory, input: ReleaseInput): void {
  if (input.purpose === 'author' || input.purpose === 'possession' || input.unsafe) return;
  const earlier = contradiction(memory, input.proposalDigest, input.purpose);
  if (earlier === null) return;
  throw new RonError(
    'ContradictoryVote',
    `${input.id} has signed ${earlier.purpose} for this proposal at ${earlier.at}`,
    {
      field: 'purpose',
      hint: 'Cancel that vote first: `ronctl governance retract ID`.',
    },
  );
}
