// What `approve` and its like are about: a full id in a home that holds the ledger, or a request file anywhere (R-27: never a
// beginning of an id; an author grinds a second id with the same beginning). Both go through the same verification.

import { within } from '../../bytes/decode.ts';
import type { Crypto } from '../../crypto/provider.ts';
import { RonError } from '../../errors.ts';
import { PROPOSAL_ID } from '../../governance/names.ts';
import { recogniseFile } from '../../governance/object-file.ts';
import { parseProposal, verifyProposal } from '../../governance/proposal.ts';
import { parseRequest, type Request, type VerifiedRequest, verifyRequest } from '../../governance/request.ts';
import { describeEnvelope } from '../../governance/submission.ts';
import { type GovernanceReading, readGovernance } from '../../kms/service/governance-reader.ts';
import { buildRequest, type LocatedProposal, locateProposal } from '../../kms/service/governance-request.ts';
import { headVerifier } from '../../kms/service/head-proof.ts';
import { readHome } from '../../storage/home.ts';
import type { StoreContext } from '../../storage/store-deps.ts';
import { demandPin, readPinnedGenesis, writeChain } from '../../storage/trust-pin.ts';
import type { OperationDeps } from '../deps.ts';
import { type PolicySource, sourceOf } from '../policy/source.ts';
import { withService } from '../service.ts';
import { tenantsHere } from './show.ts';

export type Target =
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'file'; readonly name: string; readonly bytes: Uint8Array };

export interface LoadedRequest {
  readonly request: Request;
  readonly verified: VerifiedRequest;
  /** Tenants of the store, when this home has it. */
  readonly knownTenants: readonly string[] | null;
  /** Policy and keys of the store, when this home has it. */
  readonly source: PolicySource | null;
}

export function demandFullId(text: string): string {
  if (PROPOSAL_ID.test(text)) return text;
  throw new RonError('InvalidValue', `${text}: the full id of a proposal, or a file, is needed`, {
    field: 'ID',
    hint: 'Beginnings of ids serve reads only: `ronctl governance show ID` prints the full one.',
  });
}

export function verifyAgainstPin(ctx: StoreContext, crypto: Crypto, request: Request): VerifiedRequest {
  const ledgerId = parseProposal(request.proposal).ledger_id;
  const pin = demandPin(ctx, ledgerId);
  const storeId = readPinnedGenesis(ctx, ledgerId).genesis.store_id;
  return verifyRequest(crypto, request, pin.genesis_digest, headVerifier(crypto, storeId));
}

/** Everything recomputed from pin, request and, for an id, the ledger of this home. */
export function loadTarget(ctx: StoreContext, target: Target): LoadedRequest {
  if (target.kind === 'file') {
    const file = recogniseFile(target.bytes, target.name);
    if (file.kind === 'request') {
      const request = parseRequest(target.bytes, target.name);
      const verified = within(target.name, () => verifyAgainstPin(ctx, ctx.crypto, request));
      return { request, verified, knownTenants: null, source: null };
    }
    if (
      file.kind === 'envelope' &&
      within(target.name, () => describeEnvelope(file.envelope, target.name)).type === 'proposal'
    ) {
      const loaded = loadTarget(ctx, { kind: 'id', id: parseProposal(file.envelope).id });
      // The ledger decides what is voted on; a file whose signatures are wrong is still no file to act on.
      within(target.name, () => verifyProposal(ctx.crypto, file.envelope, loaded.verified.authority.set));
      return loaded;
    }
    throw new RonError('Malformed', `${target.name} is neither a request nor a proposal`, {
      hint: 'Make one: `ronctl governance export ID --out F`.',
    });
  }
  const reading = readGovernance(ctx, { mayBeOld: true });
  const located = locateProposal(ctx, reading, demandFullId(target.id), false);
  demandCurrent(ctx, reading, located);
  const request = buildRequest(reading, located);
  const verified = verifyAgainstPin(ctx, ctx.crypto, request);
  return { request, verified, knownTenants: tenantsHere(reading), source: sourceOf(reading) };
}

/** In a home that was rolled back nothing is voted on but the way on. */
function demandCurrent(ctx: StoreContext, reading: GovernanceReading, { body }: LocatedProposal): void {
  const { behind } = reading.home;
  if (behind === null || body.kind === 'restore-accept') return;
  if (readHome(ctx.files, ctx.paths)?.restored !== undefined) return;
  throw new RonError('Tampered', behind, { field: 'rolled-back' });
}

/** A verified key chain that goes on from the known one is kept (trust/<ledger_id>/chain). */
export async function keepChain(ctx: StoreContext, loaded: LoadedRequest): Promise<void> {
  await writeChain(ctx, loaded.verified.genesis.genesis.ledger_id, loaded.request.key_chain);
}

/** The bytes of a server's request for a full id; nothing of it is believed. */
export function fetchRequest(id: string, deps: OperationDeps): Promise<Uint8Array> {
  return withService(deps, {}, ({ governance, call }) => governance.request({ id: demandFullId(id) }, call));
}
