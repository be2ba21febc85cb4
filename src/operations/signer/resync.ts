// `signer resync`: after `signer restore` the memory of what was signed is gone. A current request, verified from the pin,
// gives it back: the newest ledger head that the signer has seen, and its own statements in that request (store page 9,
// Until then nothing is signed for that ledger. Attack: a restored memory forgets a vote already given.

import type { Json, JsonObject } from '../../bytes/canonical-json.ts';
import { RonError } from '../../errors.ts';
import {
  EMPTY_MEMORY,
  type Newest,
  refuseOlder,
  remember,
  type SignerMemory,
  signerMemory,
} from '../../governance/signer-memory.ts';
import { findMember } from '../../governance/signer-set.ts';
import { signerIds } from '../../storage/signer-bundle-file.ts';
import { openSigner } from '../../storage/signer-store.ts';
import { type StoreContext, storeContext } from '../../storage/store-deps.ts';
import type { OperationDeps } from '../deps.ts';
import { keepChain, loadTarget } from '../governance/target.ts';

export interface SignerResyncRequest {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Null: the only local signer that is a member. */
  readonly signer: string | null;
}

export interface SignerResyncResult {
  readonly id: string;
  readonly ledger_id: string;
  /** Newest ledger line that the signer has now seen. */
  readonly ledger_seq: number;
  readonly checkpoint: { readonly origin: string; readonly size: number; readonly root: string };
  /** Own statements that the memory holds now. */
  readonly statements: number;
  readonly dry_run: boolean;
}

export async function signerResync(request: SignerResyncRequest, deps: OperationDeps): Promise<SignerResyncResult> {
  const ctx = await storeContext(deps);
  const loaded = loadTarget(ctx, { kind: 'file', name: request.name, bytes: request.bytes });
  const { proposal, authority, head, checkpoint, statements } = loaded.verified;
  const { body, digest } = proposal;
  const id = request.signer ?? onlyMember(ctx, (one) => findMember(authority.set, one) !== null);
  const newest: Newest = { ledger_seq: head.seq, epoch: authority.set.epoch, checkpoint };
  const signer = await openSigner(deps, id, { dryRun: deps.dryRun });
  try {
    const known = signer.storedMemory(body.ledger_id);
    const before = known === null ? EMPTY_MEMORY : signerMemory(known, 'signer-memory');
    refuseOlder(before, newest);
    const own = statements.filter(
      (one) => one.body.signer === id && !before.statements.some((mine) => mine.digest === one.digest),
    );
    const after = own.reduce<SignerMemory>(
      (memory, one) =>
        remember(
          memory,
          {
            proposal_digest: digest,
            purpose: one.body.purpose,
            base_state: body.base_state.hash,
            keys: body.changeset.map((change) => change.key),
            at: one.body.signed_at,
            digest: one.digest,
            ...(one.body.refs[0] === undefined ? {} : { retracts: one.body.refs[0] }),
          },
          newest,
        ),
      { ...before, newest },
    );
    if (!deps.dryRun) {
      await signer.commitMemory(body.ledger_id, {
        newest: after.newest,
        statements: after.statements,
      } as unknown as JsonObject satisfies Json);
      await keepChain(ctx, loaded);
    }
    return {
      id,
      ledger_id: body.ledger_id,
      ledger_seq: head.seq,
      checkpoint: { origin: checkpoint.origin, size: checkpoint.size, root: checkpoint.root },
      statements: after.statements.length,
      dry_run: deps.dryRun,
    };
  } finally {
    signer.close();
  }
}

function onlyMember(ctx: StoreContext, isMember: (id: string) => boolean): string {
  const ids = signerIds(ctx).filter(isMember);
  if (ids.length === 1) return ids[0]!;
  throw new RonError(
    'AmbiguousSigner',
    ids.length === 0 ? 'no signer of this home is a member' : `several signers fit: ${ids.join(', ')}`,
    { field: '--signer', hint: 'Name one with --signer ID.' },
  );
}
