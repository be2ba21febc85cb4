// `audit verify`: judges a whole log (log page 4.8). Every record, tile, checkpoint and link is read again from bytes; the
// worst verdict wins. A log that holds moves this home's memory forward. Writes nothing to the log.

import {
  createLogVerifier,
  type LogVerifier,
  type TrustedLog,
  type VerifiedCheckpoint,
} from '../../audit/checkpoint.ts';
import { FINDINGS, FINDINGS_LISTED, type Finding, worstVerdict } from '../../audit/findings.ts';
import type { PolicyJudge } from '../../audit/policy-judge.ts';
import { RonError } from '../../errors.ts';
import { segmentsInArchive } from '../../storage/audit-archive.ts';
import { verifyGapped } from '../../storage/audit-export-verify.ts';
import { listedNotes, staleness } from '../../storage/audit-notes.ts';
import { hashReader } from '../../storage/audit-store.ts';
import { cachedTileReader, tileReader } from '../../storage/audit-tiles.ts';
import {
  type EpochReport,
  RESUME_BYTES,
  type VerifyDeps,
  type VerifyEpoch,
  verifyEpoch,
} from '../../storage/audit-verify.ts';
import { checkedFiles } from '../../storage/checked-files.ts';
import { unsealHeadKeys } from '../../storage/head-keys.ts';
import { readHome } from '../../storage/home.ts';
import { policyLog, withUnknownEras } from '../../storage/policy-log.ts';
import { sessionKey } from '../../storage/session-key.ts';
import {
  readRemembered,
  rememberCheckpoint,
  rememberedOrigins,
  writeForkEvidence,
} from '../../storage/trust-memory.ts';
import type { OperationDeps } from '../deps.ts';
import { type CheckpointSummary, checkpointSummary } from './checkpoint-summary.ts';
import { quorumSummary } from './collect-cosignatures.ts';
import { checkLink, countersBefore, lostUpTo, missingEpoch, readLinks } from './epochs.ts';
import { parseOrigin } from './export-target.ts';
import { type GivenNote, givenCheckpoints, type KeptCheckpoints } from './given-checkpoints.ts';
import { type AuditDeps, type AuditTarget, auditTarget } from './target.ts';
import { checkManifest } from './verify-export.ts';
import type { AuditVerifyResult, EpochSummary, WitnessSummary } from './verify-result.ts';
import { type PolicySource, readPolicyFile } from './witness-policy.ts';
import { type Witnessed, witnessedEpoch, witnessedRoot } from './witnessed.ts';

export interface AuditVerifyRequest {
  /** Absolute path of a home or an audit directory; null = this home. */
  readonly target: string | null;
  /** Name of the server whose published files stand in the place of this home's. */
  readonly server?: string | undefined;
  /** Leaves out the semantic pass: hashes, links, tree, tiles, checkpoints only. */
  readonly fast: boolean;
  /** Absolute path of the directory that archived segments lie in; null = they are not read. */
  readonly archive?: string | null;
  /** Opens the custody store for its head keys; null = without. */
  readonly headKeys: (() => Promise<readonly Uint8Array[]>) | null;
  /** Whose cosignatures are wanted; null = nobody's. */
  readonly policy?: PolicySource | null;
  /** A checkpoint that the log must contain. */
  readonly anchor?: GivenNote | null;
  /** A checkpoint below which nothing is read but tiles; `remembered`: that of this home. */
  readonly since?: GivenNote | 'remembered' | null;
  /** Keeps what is done of a small log too. */
  readonly resumable?: boolean;
}

const summaryOrNull = (one: VerifiedCheckpoint | null): CheckpointSummary | null =>
  one === null ? null : checkpointSummary(one);

type EpochFinding = Finding & { readonly epoch: number };

export interface EpochOutcome {
  readonly summary: EpochSummary;
  readonly report: EpochReport | null;
  readonly verifier: LogVerifier;
  readonly remembered: VerifiedCheckpoint | null;
  readonly kept: KeptCheckpoints;
  readonly findings: readonly Finding[];
  readonly witnessed: Witnessed | null;
  /** The keys come from the policy alone. */
  readonly byPolicy: boolean;
}

/** The memory of an epoch; what is wrong with it is a finding, not an error. */
function memoryOf(
  target: AuditTarget,
  verifier: LogVerifier,
): { memory: VerifiedCheckpoint | null; findings: Finding[] } {
  try {
    return { memory: readRemembered(target.files, target.paths.trustedLogs, verifier), findings: [] };
  } catch (error) {
    if (!(error instanceof RonError) || error.code !== 'Tampered') throw error;
    const code = error.field !== undefined && Object.hasOwn(FINDINGS, error.field) ? error.field : 'log-keys-changed';
    return { memory: null, findings: [{ code: code as Finding['code'], message: error.message }] };
  }
}

/** Without trusted keys every note is refused. Keys of log.json that are none are damage, where it is this home's own. */
function verifierOf(
  target: AuditTarget,
  log: TrustedLog | null,
  origin: string,
): { readonly verifier: LogVerifier; readonly broken: Finding[] | null } {
  const none = { ed25519: new Uint8Array(), ml_dsa_65: new Uint8Array() };
  const keyless = createLogVerifier({ origin, keys: [], serviceKeys: none, trust: 'local' }, target.crypto);
  if (log === null) return { verifier: keyless, broken: null };
  try {
    return { verifier: createLogVerifier(log, target.crypto), broken: null };
  } catch (error) {
    if (!(error instanceof RonError) || error.code !== 'Malformed') throw error;
    return { verifier: keyless, broken: [{ code: 'log-keys-changed', message: error.message, file: 'log.json' }] };
  }
}

/** Where an interrupted run is gone on with: in a home, for files of this machine, while it is not switched off. */
function resumeOf(
  deps: AuditDeps,
  request: AuditVerifyRequest,
  target: AuditTarget,
): NonNullable<VerifyDeps['resume']> | null {
  const { host } = deps;
  if (target.files.published !== undefined || readHome(target.files, target.paths) === null) return null;
  const fromBytes = request.resumable === true ? 0 : RESUME_BYTES;
  const files = checkedFiles(host.files, target.paths.trust);
  return { files, random: host.random, directory: target.paths.verifying, key: () => sessionKey(host), fromBytes };
}

async function verifyOne(
  deps: AuditDeps,
  request: AuditVerifyRequest,
  target: AuditTarget,
  epoch: { readonly n: number; readonly origin: string },
  newest: boolean,
  { judge, ...place }: Pick<VerifyEpoch, 'initial' | 'lostUpTo'> & { readonly judge: PolicyJudge | null },
  kept: KeptCheckpoints,
): Promise<EpochOutcome> {
  const trusted = target.trusted(epoch.n);
  const named = trusted !== null || judge === null ? null : policyLog(judge.policy, epoch.origin);
  const notes = listedNotes(target.files, target.epochPaths(epoch.n));
  const log = named === null ? trusted : withUnknownEras(named, notes, target.crypto);
  const { verifier, broken } = verifierOf(target, log, epoch.origin);
  const known = log !== null && broken === null;
  const { memory, findings } = known ? memoryOf(target, verifier) : { memory: null, findings: broken ?? [] };
  const paths = target.epochPaths(epoch.n);
  const headKeys = newest && request.headKeys !== null ? await request.headKeys() : null;
  const asked = judge !== null && newest && known;
  const witnessed = asked ? witnessedEpoch(target.files, paths, verifier, judge, deps.host.clock.now()) : null;
  const { manifest } = target;
  const judging = {
    files: target.files,
    clock: deps.host.clock,
    workers: deps.host.workers,
    onProgress: deps.onProgress,
    resume: resumeOf(deps, request, target),
  };
  const wanted = {
    epoch: epoch.n,
    paths,
    verifier,
    remembered: memory,
    ...place,
    witnessed: witnessed?.checkpoint ?? null,
    archive: request.archive == null ? null : segmentsInArchive(request.archive, epoch.n),
    anchor: kept.anchor,
    from: kept.since,
    live: target.kind === 'home',
    semantic: !request.fast,
    headKeys,
    bundles: target.kind === 'tlog',
  };
  const report =
    manifest === null || manifest.gaps.length === 0
      ? await verifyEpoch(judging, wanted)
      : verifyGapped(judging, { ...wanted, gaps: manifest.gaps });
  if (manifest !== null) {
    findings.push(
      ...checkManifest(target.files, target.auditDir, manifest, parseOrigin(epoch.origin, 'the checkpoint')),
    );
  }
  const untrusted: Finding[] =
    log === null ? [{ code: 'no-trusted-key', message: `no trusted key is known here for ${epoch.origin}` }] : [];
  const stale = newest && target.kind === 'home' ? staleness(target.files, deps.host.clock, report.newest) : null;
  const late: Finding[] = stale === null ? [] : [{ code: 'stale-checkpoint', message: stale, file: 'checkpoint' }];
  const seen = witnessed?.checkpoint ?? null;
  const roots = seen === null ? [] : rootFindings(seen, report);
  // Without keys every note is refused for the same reason: said once.
  const own = !known ? report.findings.filter((one) => one.code !== 'no-trusted-key') : report.findings;
  return {
    summary: {
      epoch: epoch.n,
      origin: epoch.origin,
      records: report.records,
      covered: report.covered,
      unsigned_tail: Math.max(0, report.records - report.covered),
      torn_bytes: report.tornBytes,
      checkpoints: report.checkpoints,
      checkpoint: report.newest === null ? null : checkpointSummary(report.newest),
      remembered: summaryOrNull(memory),
      anchor: summaryOrNull(kept.anchor),
      since: summaryOrNull(kept.since),
    },
    report,
    verifier,
    remembered: memory,
    kept,
    findings: [...findings, ...untrusted, ...late, ...own, ...(witnessed?.findings ?? []), ...roots],
    witnessed,
    byPolicy: trusted === null && log !== null,
  };
}

function rootFindings(seen: VerifiedCheckpoint, report: EpochReport): Finding[] {
  const isSound = worstVerdict(report.findings) === 'consistent';
  return witnessedRoot(seen, { root: report.witnessedRoot, records: report.records, isSound });
}

function witnessSummary(policy: string, witnessed: Witnessed | null): WitnessSummary {
  const { checkpoint = null, verdict = null } = witnessed ?? {};
  return {
    policy,
    checkpoint: checkpoint === null ? null : checkpointSummary(checkpoint),
    quorum: verdict === null ? null : quorumSummary(verdict),
  };
}

async function moveMemory(deps: AuditDeps, target: AuditTarget, outcome: EpochOutcome): Promise<boolean> {
  const checkpoint = outcome.report?.newest ?? null;
  const home = readHome(target.files, target.paths);
  if (checkpoint === null || home === null || outcome.verifier.log.keys.length === 0) return false;
  const paths = target.epochPaths(outcome.summary.epoch);
  const read = hashReader(cachedTileReader(tileReader(target.files, paths)), checkpoint.size);
  const memory = {
    files: target.files,
    random: deps.host.random,
    crypto: target.crypto,
    directory: target.paths.trustedLogs,
  };
  return (await rememberCheckpoint(memory, outcome.verifier.log, checkpoint, read)) !== 'older';
}

async function keepFork(
  deps: AuditDeps,
  target: AuditTarget,
  outcomes: readonly EpochOutcome[],
): Promise<string | null> {
  const forked = outcomes.find((one) => one.findings.some((finding) => finding.code === 'fork'));
  const newest = forked?.report?.newest ?? null;
  if (forked === undefined || newest === null) return null;
  const { anchor, since } = forked.kept;
  const contradicted = [forked.remembered, anchor, since].find((one) => one === forked.report?.forked);
  const other = contradicted ?? forked.remembered;
  if (other === null) return null;
  if (readHome(target.files, target.paths) === null) return null;
  const directory = target.paths.trustedLogs;
  return writeForkEvidence({ files: target.files, random: deps.host.random, directory }, other, newest);
}

/** The head keys of this home's sealed store, for `--unseal`; asks for its passphrase when called. */
export function sealedHeadKeys(
  deps: Pick<OperationDeps, 'host' | 'home' | 'crypto' | 'passphrases'>,
): () => Promise<readonly Uint8Array[]> {
  return () => unsealHeadKeys(deps);
}

/** Throws only for what cannot be read at all; everything found is in the result. */
export async function auditVerify(request: AuditVerifyRequest, deps: AuditDeps): Promise<AuditVerifyResult> {
  const target = await auditTarget(deps, request.target);
  const judge = request.policy == null ? null : readPolicyFile(target, request.policy);
  const outcomes: EpochOutcome[] = [];
  const findings: EpochFinding[] = [];
  const epochs = target.file?.epochs ?? [];
  if (epochs.length === 0) {
    const origins = rememberedOrigins(target.files, target.paths.trustedLogs);
    const known = origins.length > 0 ? `; this home remembers ${origins.join(', ')}` : '';
    const message = `audit/log.json ${target.damage === null ? 'is missing' : `cannot be read (${target.damage})`}${known}`;
    findings.push({ epoch: 0, code: 'log-missing', message, file: 'log.json' });
  }
  if (target.foreign !== null && target.file !== null) {
    const message = `the log of store ${target.foreign} is missing; in its place stands the log of store ${target.file.storeId}`;
    findings.push({ epoch: 0, code: 'log-missing', message, file: 'log.json' });
  }
  const links = readLinks(target);
  const given = await givenCheckpoints(deps, target, request);
  findings.push(...given.findings);
  // Epochs before the one that reading begins in were verified with that checkpoint.
  for (const epoch of epochs.filter((one) => one.n >= given.firstEpoch)) {
    const before = outcomes.at(-1);
    const place = {
      initial: before === undefined ? null : countersBefore(links.get(epoch.n)!, before.report?.kids ?? null),
      lostUpTo: lostUpTo(links.get(epoch.n + 1)),
    };
    const kept = given.of(epoch.origin);
    const isNewest = epoch === epochs.at(-1);
    const outcome = await verifyOne(deps, request, target, epoch, isNewest, { ...place, judge }, kept);
    outcomes.push(outcome);
    const link = before === undefined ? [] : checkLink(target, links.get(epoch.n)!, before);
    findings.push(...[...outcome.findings, ...link].map((finding) => ({ epoch: epoch.n, ...finding })));
  }
  findings.push(...missingEpoch(target));
  const verdict = worstVerdict(findings);
  let remembered = false;
  if (verdict === 'consistent') {
    for (const outcome of outcomes) remembered = await moveMemory(deps, target, outcome);
  }
  const judged = findings.filter((one) => FINDINGS[one.code] !== 'note');
  const indexes = judged.flatMap((one) => (one.index === undefined ? [] : [one.index]));
  const order = { tampered: 0, inconclusive: 1, note: 2 } as const;
  const place = (one: Finding): number => one.index ?? Number.MAX_SAFE_INTEGER;
  const sorted = findings.toSorted(
    (a, b) => order[FINDINGS[a.code]] - order[FINDINGS[b.code]] || a.epoch - b.epoch || place(a) - place(b),
  );
  const uncounted = outcomes.reduce((sum, one) => sum + (one.report?.uncounted ?? 0), 0);
  const last = outcomes.at(-1);
  const trust = last?.verifier.log;
  const resumed = outcomes.reduce((sum, one) => sum + (one.report?.resumed ?? 0), 0);
  return {
    target: request.server ?? target.auditDir,
    kind: request.server === undefined ? target.kind : 'server',
    trust:
      last?.byPolicy === true
        ? 'policy'
        : trust === undefined || trust.keys.length === 0 || trust.trust === 'claimed'
          ? 'none'
          : trust.trust,
    verdict,
    semantic: !request.fast,
    head_checked: request.headKeys !== null,
    bytes: outcomes.reduce((sum, one) => sum + (one.report?.bytes ?? 0), 0),
    ...(resumed === 0 ? {} : { resumed_segments: resumed }),
    epochs: outcomes.map((one) => one.summary),
    first_index: indexes.length === 0 ? null : Math.min(...indexes),
    findings: sorted.slice(0, FINDINGS_LISTED),
    findings_total: findings.length + uncounted,
    evidence: await keepFork(deps, target, outcomes),
    remembered,
    ...(request.policy == null ? {} : { witnessed: witnessSummary(request.policy.name, last?.witnessed ?? null) }),
  };
}
