// After a rotation of log or service keys a home that only pins the genesis knows older keys than the server's log is signed
// with. The ledger that the server publishes holds every executed rotation: the chain is taken out of it, verified link by link
// from the pin (quorum, proofs of possession, receipts), and kept. A server that shows other keys without such a chain gains
// nothing: its log is then judged under the known ones.

import { canonicalText } from '../../bytes/canonical-json.ts';
import { equalBytes } from '../../bytes/equal.ts';
import { type ErrorCode, RonError } from '../../errors.ts';
import { type ChainLink, chainLinkJson, followChain } from '../../governance/key-chain.ts';
import { replayLedger } from '../../governance/ledger-open.ts';
import { chainOfState } from '../../kms/service/governance-chain.ts';
import { LIMITS } from '../../limits.ts';
import { homePaths } from '../../storage/home.ts';
import { readLedgerLine } from '../../storage/ledger-reader.ts';
import { ledgerLines } from '../../storage/ledger-segments.ts';
import { decodePublicView } from '../../storage/public-view.ts';
import { type StoreContext, storeContext } from '../../storage/store-deps.ts';
import { readChain, writeChain } from '../../storage/trust-pin.ts';
import { type HomeLog, homeLog } from '../../storage/trusted-log.ts';
import type { OperationDeps } from '../deps.ts';

/** Whatever is asked next would fail in the same way. */
const FATAL: ReadonlySet<ErrorCode> = new Set(['Unreachable', 'NoCapability', 'Denied', 'Interrupted', 'Busy']);

/** True when log.json names keys that this home does not know to be the newest. */
function namesOthers({ file, epoch, log }: HomeLog): boolean {
  const named = file.epochs
    .find((one) => one.n === epoch)
    ?.keys.at(-1)
    ?.vkeys.join('\n');
  const { ed25519, ml_dsa_65 } = file.serviceKeys;
  return (
    named !== log.keys.at(-1)?.vkeys.join('\n') ||
    !equalBytes(ed25519, log.serviceKeys.ed25519) ||
    !equalBytes(ml_dsa_65, log.serviceKeys.ml_dsa_65)
  );
}

/** `deps` read the server's files. What cannot be learned is left to the judging of what is read. */
export async function learnKeys(deps: OperationDeps): Promise<void> {
  try {
    await learnFrom(await storeContext(deps));
  } catch (error) {
    if (!(error instanceof RonError) || FATAL.has(error.code)) throw error;
  }
}

/** The same from a copy of a home: its ledger is the only thing that is taken, and only as far as it is proved. */
export async function learnFromCopy(ctx: StoreContext, copy: string): Promise<void> {
  const { publicView, ledger, audit } = homePaths(copy);
  try {
    await learnFrom({ ...ctx, paths: { ...ctx.paths, publicView, ledger, audit } });
  } catch (error) {
    if (!(error instanceof RonError)) throw error;
  }
}

async function learnFrom(ctx: StoreContext): Promise<void> {
  const home = homeLog(ctx);
  if (home.pinned === null || (!namesOthers(home) && !hasUnknownEpoch(home))) return;
  const { pin, genesis } = home.pinned;
  const known = readChain(ctx, pin.ledger_id);
  const chain = chainOfLedger(ctx);
  if (chain.length <= known.length || !known.every((link, at) => textOf(link) === textOf(chain[at]!))) return;
  followChain(ctx.crypto, genesis.genesis, chain);
  await writeChain(ctx, pin.ledger_id, chain);
}

/** An epoch of the log whose acceptance by a quorum is not known here. */
function hasUnknownEpoch({ file, pinned }: HomeLog): boolean {
  const known = pinned?.authority.epochs ?? [];
  return file.epochs.some(({ n, origin }) => n > 0 && !known.some((one) => one.origin === origin));
}

const textOf = (link: ChainLink): string => canonicalText(chainLinkJson(link));

/** Every line is replayed; that it is the committed ledger is for the log to say. */
function chainOfLedger(ctx: StoreContext): ChainLink[] {
  const { files, paths, crypto } = ctx;
  const view = files.read(paths.publicView, LIMITS.stateFileBytes);
  const head = view === null ? null : decodePublicView(view, paths.publicView).ledger;
  if (head === null) return [];
  const lineAt = (place: Parameters<typeof readLedgerLine>[2]): Uint8Array =>
    readLedgerLine(files, paths.ledger, place);
  const linesFrom = (from: number): Iterable<Uint8Array> => ledgerLines(files, paths.ledger, from, head.seq + 1);
  return chainOfState(replayLedger(crypto, { lineAt, linesFrom }), lineAt);
}
