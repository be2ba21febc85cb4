// The pin of a ledger (store page 1, governance page 3): trust/<ledger_id>/ with
//   pin.json {genesis_digest, name, pinned_at}   genesis.json (the envelope)   chain/<n>.json (executed key changes, in order)
// The pin is the one thing that this home believes; the genesis beside it must have its digest, the chain is verified from
// it at every use. Refuses another genesis under a pinned id (PinMismatch, 10); an unpinned ledger is NoTrustedKey (11).

import { canonicalFile, type JsonObject } from '../bytes/canonical-json.ts';
import { decodeFile, object, sha256Digest, string, time } from '../bytes/decode.ts';
import type { Crypto } from '../crypto/provider.ts';
import { envelopeFile, parseEnvelope } from '../envelope/dsse.ts';
import { ownBytes, RonError } from '../errors.ts';
import { type VerifiedGenesis, verifyGenesis } from '../governance/genesis.ts';
import {
  type Authority,
  type ChainLink,
  chainLink,
  chainLinkJson,
  followChain,
  MAX_CHAIN,
} from '../governance/key-chain.ts';
import { LEDGER_ID } from '../governance/names.ts';
import type { Files } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { type DurableDeps, ensureDirectory, writeFiles } from './durable-file.ts';
import type { HomePaths } from './home.ts';

export interface TrustDeps extends DurableDeps {
  readonly crypto: Crypto;
  readonly paths: Pick<HomePaths, 'trust'>;
}

export type ReadDeps = Pick<TrustDeps, 'files' | 'crypto' | 'paths'>;

const pinShape = object({ genesis_digest: sha256Digest, name: string({ maxBytes: 64 }), pinned_at: time });
export type Pin = ReturnType<typeof pinShape> & { readonly ledger_id: string };

const directory = (deps: Pick<ReadDeps, 'paths'>, ledgerId: string): string => `${deps.paths.trust}/${ledgerId}`;
const chainDirectory = (deps: Pick<ReadDeps, 'paths'>, ledgerId: string): string =>
  `${directory(deps, ledgerId)}/chain`;

/** Every ledger that this home has pinned. */
export function listPins(deps: { readonly files: Files; readonly paths: Pick<HomePaths, 'trust'> }): Pin[] {
  return deps.files
    .list(deps.paths.trust)
    .filter((name) => LEDGER_ID.test(name))
    .flatMap((ledgerId) => {
      const pin = readPin(deps, ledgerId);
      return pin === null ? [] : [pin];
    });
}

export function readPin(
  deps: { readonly files: Files; readonly paths: Pick<HomePaths, 'trust'> },
  ledgerId: string,
): Pin | null {
  if (!LEDGER_ID.test(ledgerId)) throw new RonError('InvalidValue', `not a ledger id: ${JSON.stringify(ledgerId)}`);
  const path = `${directory(deps, ledgerId)}/pin.json`;
  const bytes = deps.files.read(path, LIMITS.signedFileBytes);
  return bytes === null ? null : { ledger_id: ledgerId, ...ownBytes(() => decodeFile(pinShape, bytes, path)) };
}

export function demandPin(
  deps: { readonly files: Files; readonly paths: Pick<HomePaths, 'trust'> },
  ledgerId: string,
): Pin {
  const pin = readPin(deps, ledgerId);
  if (pin !== null) return pin;
  throw new RonError('NoTrustedKey', `the ledger ${ledgerId} is not pinned in this home`, {
    field: 'ledger_id',
    hint: 'Compare the 12 words with a member, then: `ronctl governance trust GENESIS --expect-digest sha256:...`.',
  });
}

/** The pinned genesis, verified; `Tampered` when the file beside the pin is another one or gone. */
export function readPinnedGenesis(deps: ReadDeps, ledgerId: string): VerifiedGenesis {
  const pin = demandPin(deps, ledgerId);
  const path = `${directory(deps, ledgerId)}/genesis.json`;
  const bytes = deps.files.read(path, LIMITS.signedFileBytes);
  const verified = bytes === null ? null : ownBytes(() => verifyGenesis(deps.crypto, parseEnvelope(bytes, path)));
  if (verified === null || verified.digest !== pin.genesis_digest || verified.genesis.ledger_id !== ledgerId) {
    throw new RonError('Tampered', `${path} is not the genesis that is pinned (${pin.genesis_digest})`, {
      field: 'genesis',
    });
  }
  return verified;
}

/** Pins a genesis; the same one again changes nothing. */
export async function writePin(
  deps: TrustDeps,
  verified: VerifiedGenesis,
  pinnedAt: string,
): Promise<'pinned' | 'known'> {
  const { ledger_id: ledgerId, name } = verified.genesis;
  const known = readPin(deps, ledgerId);
  if (known !== null && known.genesis_digest !== verified.digest) {
    throw new RonError(
      'PinMismatch',
      `${ledgerId} is pinned with the genesis ${known.genesis_digest}, not ${verified.digest}`,
      {
        field: 'genesis',
      },
    );
  }
  if (known !== null) return 'known';
  ensureDirectory(deps.files, deps.paths.trust);
  ensureDirectory(deps.files, directory(deps, ledgerId));
  await writeFiles(deps, [
    { path: `${directory(deps, ledgerId)}/genesis.json`, bytes: envelopeFile(verified.envelope) },
    {
      path: `${directory(deps, ledgerId)}/pin.json`,
      bytes: canonicalFile({ genesis_digest: verified.digest, name, pinned_at: pinnedAt }),
    },
  ]);
  return 'pinned';
}

/** The executed key changes that this home knows, in order; not verified. */
export function readChain(deps: Pick<ReadDeps, 'files' | 'paths'>, ledgerId: string): ChainLink[] {
  const links: ChainLink[] = [];
  for (let n = 0; n < MAX_CHAIN; n++) {
    const path = `${chainDirectory(deps, ledgerId)}/${n}.json`;
    const bytes = deps.files.read(path, LIMITS.signedFileBytes);
    if (bytes === null) return links;
    links.push(ownBytes(() => decodeFile(chainLink, bytes, path)));
  }
  return links;
}

/** Keeps a verified chain that is longer than the known one. */
export async function writeChain(deps: TrustDeps, ledgerId: string, chain: readonly ChainLink[]): Promise<void> {
  const known = readChain(deps, ledgerId).length;
  if (chain.length <= known) return;
  ensureDirectory(deps.files, chainDirectory(deps, ledgerId));
  await writeFiles(
    deps,
    chain.slice(known).map((link, index) => ({
      path: `${chainDirectory(deps, ledgerId)}/${known + index}.json`,
      bytes: canonicalFile(chainLinkJson(link) satisfies JsonObject),
    })),
  );
}

export interface PinnedAuthority {
  readonly pin: Pin;
  readonly genesis: VerifiedGenesis;
  readonly authority: Authority;
}

/** Genesis and every key change known here, all verified: signer set, service keys and log keys. */
export function readAuthority(deps: ReadDeps, ledgerId: string): PinnedAuthority {
  const genesis = readPinnedGenesis(deps, ledgerId);
  const authority = followChain(deps.crypto, genesis.genesis, readChain(deps, ledgerId));
  return { pin: demandPin(deps, ledgerId), genesis, authority };
}
