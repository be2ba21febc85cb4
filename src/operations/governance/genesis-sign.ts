// Signing a genesis (governance page 3): showing a draft, and signing it with a signer of this home, for exactly the digest
// that was confirmed. Refuses a signer that does not stand in it, and keys that stand in another ledger.

import { within } from '../../bytes/decode.ts';
import {
  type Envelope,
  type EnvelopeSignature,
  envelopeDigest,
  envelopeFile,
  parseEnvelope,
} from '../../envelope/dsse.ts';
import { signDual } from '../../envelope/dual-signature.ts';
import { RonError } from '../../errors.ts';
import { type Genesis, parseGenesis } from '../../governance/genesis.ts';
import { dualKeys } from '../../governance/signatures.ts';
import type { Member } from '../../governance/signer-set.ts';
import { openSigner } from '../../storage/signer-store.ts';
import { type StoreContext, storeContext } from '../../storage/store-deps.ts';
import type { OperationDeps } from '../deps.ts';
import { refuseReusedKeys } from './genesis-keys.ts';
import { type GenesisOutcome, type GenesisResult, genesisResult } from './genesis-result.ts';

/** What a draft says, before it is signed: for the person who compares the words. */
export async function inspectGenesis(bytes: Uint8Array, what: string, deps: OperationDeps): Promise<GenesisResult> {
  const ctx = await storeContext(deps);
  return within(what, () => {
    const envelope = parseEnvelope(bytes, what);
    return genesisResult(ctx.crypto, envelope, parseGenesis(envelope), 'draft');
  });
}

/** `digest` is what was confirmed; the signature is made for exactly that. */
export async function signGenesisDraft(
  request: { readonly bytes: Uint8Array; readonly what: string; readonly signer: string; readonly digest: string },
  deps: OperationDeps,
): Promise<GenesisOutcome> {
  const ctx = await storeContext(deps);
  const envelope = parseEnvelope(request.bytes, request.what);
  const genesis = parseGenesis(envelope);
  if (envelopeDigest(envelope) !== request.digest)
    throw new RonError('VerificationFailed', 'the draft is not the one that was confirmed', { field: '--sign' });
  const keys = keysOf(genesis, request.signer);
  refuseReusedKeys(ctx, genesis);
  const own = await signWithLocal(deps, ctx, envelope, request.signer, keys);
  const others = envelope.signatures.filter((one) => !own.some((mine) => mine.keyid === one.keyid));
  const signed: Envelope = { ...envelope, signatures: sorted([...others, ...own]) };
  return { result: genesisResult(ctx.crypto, signed, genesis, 'draft'), file: envelopeFile(signed) };
}

export const sorted = (signatures: readonly EnvelopeSignature[]): EnvelopeSignature[] =>
  [...signatures].sort((a, b) => (a.keyid < b.keyid ? -1 : 1));

export function keysOf(genesis: Genesis, id: string): Member['keys'] {
  const found = [...genesis.members, ...(genesis.auditor === undefined ? [] : [genesis.auditor])].find(
    (one) => one.id === id,
  );
  if (found !== undefined) return found.keys;
  throw new RonError('PolicyRefused', `${id} is neither a member nor the auditor of this genesis`, {
    field: '--signer',
  });
}

export async function signWithLocal(
  deps: OperationDeps,
  ctx: StoreContext,
  of: { readonly payloadType: string; readonly payload: Uint8Array },
  id: string,
  keys: Member['keys'],
): Promise<EnvelopeSignature[]> {
  const signer = await openSigner(deps, id);
  try {
    return await signDual(ctx.crypto, of.payloadType, of.payload, id, await signer.keysFor(keys), dualKeys(keys));
  } finally {
    signer.close();
  }
}
