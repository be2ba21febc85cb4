// What a server checks at its start (R-45 g, IDB-33): the newest epoch of the log from its first record, with every checkpoint
// of it, and the ledger from its first line with every signature. An open checks only what lies behind the newest checkpoint.

import { createLogVerifier } from '../../audit/checkpoint.ts';
import { FINDINGS } from '../../audit/findings.ts';
import { equalBytes } from '../../bytes/equal.ts';
import type { Crypto } from '../../crypto/provider.ts';
import { RonError } from '../../errors.ts';
import type { LinePlace } from '../../governance/index-entry.ts';
import { replayLedger } from '../../governance/ledger-open.ts';
import { encodeState } from '../../governance/state-file.ts';
import { requireLogFile } from '../../storage/audit-log-file.ts';
import { epochPaths } from '../../storage/audit-paths.ts';
import { verifyEpoch } from '../../storage/audit-verify.ts';
import type { CustodyStore } from '../../storage/custody-port.ts';
import type { StoreContext, StoreDeps } from '../../storage/store-deps.ts';
import type { LedgerWriter } from './governance-ledger.ts';

/** Why nothing must be written; null when all is as it was written. */
export async function wholeCheck(
  deps: Pick<StoreDeps, 'host'>,
  context: StoreContext,
  store: CustodyStore,
  ledger: LedgerWriter | null,
): Promise<string | null> {
  return (await checkLog(deps, context)) ?? (ledger === null ? null : checkLedger(context.crypto, store, ledger));
}

async function checkLog({ host }: Pick<StoreDeps, 'host'>, context: StoreContext): Promise<string | null> {
  const { files, paths, clock, crypto } = context;
  const log = requireLogFile(files, paths.audit);
  const epoch = log.epochs.at(-1)!;
  // The open has compared these keys with the sealed ones.
  const local = { origin: epoch.origin, keys: epoch.keys, serviceKeys: log.serviceKeys, trust: 'local' } as const;
  const report = await verifyEpoch(
    { files, clock, workers: host.workers, onProgress: () => undefined },
    {
      epoch: epoch.n,
      paths: epochPaths(paths.audit, epoch.n),
      verifier: createLogVerifier(local, crypto),
      remembered: null,
      archive: null,
      initial: null,
      lostUpTo: 0,
      anchor: null,
      from: null,
      live: true,
      semantic: true,
      headKeys: null,
    },
  );
  const found = report.findings.find((one) => FINDINGS[one.code] === 'tampered');
  return found === undefined ? null : `the audit log: ${found.message} (${found.code})`;
}

function checkLedger(crypto: Crypto, store: CustodyStore, ledger: LedgerWriter): string | null {
  const source = {
    lineAt: (place: LinePlace) => ledger.line(place.seq),
    linesFrom: (seq: number) => store.ledgerLines(seq),
  };
  try {
    const replayed = replayLedger(crypto, source);
    if (equalBytes(encodeState(replayed), encodeState(ledger.state))) return null;
    return 'ledger/state.json is not what the ledger comes to';
  } catch (error) {
    if (!(error instanceof RonError) || error.exit !== 10) throw error;
    return `the ledger: ${error.message}`;
  }
}
