// Shows a genesis with its 12 words and wants the last 8 characters of its ledger id, or its full digest (cli rule 4).

import type { OperationDeps } from '../operations/deps.ts';
import { inspectGenesis } from '../operations/governance/genesis-sign.ts';
import { genesisView } from '../views/governance/genesis.ts';
import { showReview } from './review.ts';
import type { Runtime } from './runtime.ts';

/** The digest that was confirmed. */
export async function confirmGenesis(
  runtime: Runtime,
  of: {
    readonly bytes: Uint8Array;
    readonly what: string;
    readonly act: string;
    readonly expectDigest: string | undefined;
    readonly deps: OperationDeps;
  },
): Promise<string> {
  const result = await inspectGenesis(of.bytes, of.what, of.deps);
  await showReview(runtime, genesisView(result, of.what));
  await runtime.confirm({
    act: of.act,
    id: result.ledger_id,
    digest: result.genesis_digest,
    words: result.words.join(' '),
    expectDigest: of.expectDigest,
  });
  return result.genesis_digest;
}
