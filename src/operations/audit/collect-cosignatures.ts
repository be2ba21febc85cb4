// `audit witness --submit` and `--merge`, the log side: asks the witnesses of the policy for cosignatures on the newest
// checkpoint, or takes in what an air-gapped witness answered. Keeps the newest note that meets the policy in `cosigned`.
// Needs no passphrase: nothing is appended to the log, and every cosignature is judged by its signature.

import { createLogVerifier } from '../../audit/checkpoint.ts';
import { policyLabel } from '../../audit/policy.ts';
import type { Cosigned, PolicyJudge } from '../../audit/policy-judge.ts';
import { type AskWitness, parseSignatureLines } from '../../audit/witness-request.ts';
import { toHex } from '../../bytes/hex.ts';
import { toTime } from '../../bytes/time.ts';
import { RonError } from '../../errors.ts';
import {
  type CosigningLog,
  collectCosignatures,
  stationsOf,
  type WitnessOutcome,
} from '../../kms/service/cosigning.ts';
import { newestReadableNote } from '../../storage/audit-notes.ts';
import { epochPaths } from '../../storage/audit-paths.ts';
import {
  type CosignedDeps,
  checkpointOf,
  type Merged,
  mergeCosignatures,
  recentCheckpoints,
} from '../../storage/cosigned.ts';
import { storeContext } from '../../storage/store-deps.ts';
import { homeLog } from '../../storage/trusted-log.ts';
import type { OperationDeps } from '../deps.ts';
import { type PolicySource, readPolicyFile } from './witness-policy.ts';

type CollectDeps = Pick<OperationDeps, 'host' | 'home' | 'crypto' | 'dryRun'>;

export interface QuorumSummary {
  readonly met: boolean;
  readonly cosigned: readonly { readonly witness: string; readonly key: string; readonly time: string }[];
  readonly missing: readonly string[];
  readonly bad: readonly string[];
}

export interface CollectResult {
  readonly mode: 'submit' | 'merge';
  readonly dry_run: boolean;
  readonly origin: string;
  readonly size: number;
  /** Lower hex. */
  readonly root: string;
  /** Cosignatures that were not known before. */
  readonly added: number;
  readonly quorum: QuorumSummary;
  /** It is now the newest note that met the policy. */
  readonly newest: boolean;
  /** What each witness said; empty for `merge`. */
  readonly witnesses: readonly WitnessOutcome[];
}

export const quorumSummary = (verdict: {
  readonly met: boolean;
  readonly cosigned: readonly Cosigned[];
  readonly missing: readonly string[];
  readonly bad: readonly string[];
}): QuorumSummary => ({
  met: verdict.met,
  cosigned: verdict.cosigned.map(({ witness, key, timestamp }) => ({ witness, key, time: toTime(timestamp * 1000) })),
  missing: verdict.missing,
  bad: verdict.bad,
});

async function openLog(
  deps: CollectDeps,
  source: PolicySource,
): Promise<{ readonly ctx: CosignedDeps; readonly log: CosigningLog; readonly judge: PolicyJudge }> {
  const ctx = await storeContext(deps);
  const judge = readPolicyFile(ctx, source);
  const { log, epoch } = homeLog(ctx);
  const verifier = createLogVerifier(log, ctx.crypto);
  return { ctx, log: { paths: epochPaths(ctx.paths.audit, epoch), verifier, judge }, judge };
}

function resultOf(
  mode: CollectResult['mode'],
  dryRun: boolean,
  merged: Merged,
  witnesses: readonly WitnessOutcome[],
): CollectResult {
  const { origin, size, root } = merged.checkpoint;
  return {
    mode,
    dry_run: dryRun,
    origin,
    size,
    root: toHex(root),
    added: merged.added,
    quorum: quorumSummary(merged.verdict),
    newest: merged.newest,
    witnesses,
  };
}

/** What a witness cosigns it keeps: a dry run asks nobody. */
const notAsked: AskWitness = async () => {
  throw new RonError('Unreachable', 'not asked (dry run)');
};

/** Asks every witness of the policy that has a URL, by `ask` or over HTTP. Inconclusive without a checkpoint. */
export async function submitCheckpoint(
  request: { readonly policy: PolicySource; readonly ask: AskWitness | null; readonly signal: AbortSignal },
  deps: CollectDeps,
): Promise<CollectResult> {
  const { ctx, log, judge } = await openLog(deps, request.policy);
  if (stationsOf(judge).length === 0) {
    throw new RonError('InvalidValue', `no witness of ${request.policy.name} has a URL`, {
      field: '--policy',
      hint: 'Add the submission prefix to its line, or use files: ronctl audit prove --consistency SIZE --out REQUEST',
    });
  }
  const checkpoint = newestReadableNote(ctx.files, log.paths, log.verifier);
  if (checkpoint === null)
    throw new RonError('Inconclusive', 'the log has no checkpoint yet', { field: 'no-checkpoint' });
  const ask = deps.dryRun ? notAsked : (request.ask ?? (await import('../../kms-client/witness-client.ts')).askWitness);
  const options = { signal: request.signal, write: !deps.dryRun };
  const { outcomes, merged } = await collectCosignatures(ctx, log, checkpoint, ask, options);
  return resultOf('submit', deps.dryRun, merged, outcomes);
}

export interface AnswerFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Takes in signature lines of witnesses, of one checkpoint of the log. VerificationFailed for a wrong or foreign one. */
export async function mergeAnswers(
  request: { readonly policy: PolicySource; readonly answers: readonly AnswerFile[] },
  deps: CollectDeps,
): Promise<CollectResult> {
  const { ctx, log, judge } = await openLog(deps, request.policy);
  let last: Merged | null = null;
  for (const { name, bytes } of request.answers) {
    const lines = parseSignatureLines(bytes, name);
    const candidates = recentCheckpoints(ctx.files, log.paths, log.verifier);
    const checkpoint = checkpointOf(lines, judge, ctx.crypto, candidates);
    if (checkpoint === null) {
      throw new RonError(
        'VerificationFailed',
        `${name}: no line of a witness of the policy fits a checkpoint of this log`,
        {
          field: '--merge',
          hint: 'Compare the key names with the policy, and ask the witness for what it signed.',
        },
      );
    }
    const merged = await mergeCosignatures(ctx, log, checkpoint, lines, { write: !deps.dryRun });
    if (merged.refused.length > 0) {
      const names = merged.refused.map(policyLabel).join(', ');
      throw new RonError('VerificationFailed', `${name}: the cosignature of ${names} does not verify`, {
        field: '--merge',
      });
    }
    last = merged;
  }
  if (last === null) throw new RonError('Usage', 'no answer file was given', { field: '--merge' });
  return resultOf('merge', deps.dryRun, last, []);
}
