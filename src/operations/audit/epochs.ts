// The links between the epochs of a log (log page 4.7, 4.8; R-08): each later epoch begins with `epoch.open`. A link counts
// only with the proof that a quorum approved it (the key chain of the pinned ledger), else `epoch-unproven`; while a store
// is ungoverned here its own word counts. What contradicts a known checkpoint is `epoch-mismatch`, whoever approved it.

import { countersDigest, countersFile, type KidCounters } from '../../audit/counters.ts';
import { contradicts, differsFromApproved, type EpochLink, epochLink } from '../../audit/epoch-link.ts';
import type { Finding } from '../../audit/findings.ts';
import { parseRecord } from '../../audit/record.ts';
import { RonError } from '../../errors.ts';
import { importedPaths, isImported, lostRange, provenRange } from '../../storage/audit-imported.ts';
import { readSegmentLine, storedRecords } from '../../storage/audit-store.ts';
import { laterEpoch } from '../../storage/trust-memory.ts';
import type { AuditTarget } from './target.ts';
import type { EpochOutcome } from './verify.ts';

export interface ReadLink {
  readonly epoch: number;
  /** Null when record 0 is none that opens an epoch. */
  readonly link: EpochLink | null;
  /** Generation of record 0. */
  readonly generation: number | null;
  /** `accepted`: by the quorum, or by an ungoverned store itself. */
  readonly state: 'first' | 'accepted' | 'unproven' | 'other';
  readonly why: string;
}

const FIRST: ReadLink = { epoch: 0, link: null, generation: null, state: 'first', why: '' };

/** Links by epoch. What cannot be read is judged like what says something else. */
export function readLinks(target: AuditTarget): ReadonlyMap<number, ReadLink> {
  const epochs = target.file?.epochs ?? [];
  return new Map(epochs.map(({ n, origin }) => [n, n === 0 ? FIRST : readLink(target, n, origin)]));
}

function readLink(target: AuditTarget, epoch: number, origin: string): ReadLink {
  const answer = (state: ReadLink['state'], why: string, link: EpochLink | null = null): ReadLink => {
    return { epoch, link, generation: null, state, why };
  };
  try {
    const line = readSegmentLine(target.files, target.epochPaths(epoch), 0);
    if (line === null) return answer('other', 'its first record is missing');
    const record = parseRecord(line.line, 'record 0');
    if ('newer' in record) return answer('unproven', 'its first record was written by a newer ronctl');
    const link = epochLink(record);
    if (link === null) return answer('other', `its first record is ${record.op}`);
    const { state, why } = judge(target, epoch, origin, link);
    return { epoch, link, generation: record.generation ?? null, state, why };
  } catch (error) {
    if (error instanceof RonError) return answer('other', error.message);
    throw error;
  }
}

function judge(
  target: AuditTarget,
  epoch: number,
  origin: string,
  link: EpochLink,
): { readonly state: ReadLink['state']; readonly why: string } {
  const accepted = target.accepted();
  const wasUngoverned = link.proposal_digest === undefined && (accepted === null || adoptedIn(target) >= epoch);
  if (wasUngoverned) return { state: 'accepted', why: '' };
  const approved = accepted?.find((one) => one.origin === origin);
  if (approved === undefined) {
    return { state: 'unproven', why: `no quorum is known here that accepted the restore which ${origin} begins with` };
  }
  if (link.proposal_digest !== approved.proposalDigest) {
    return { state: 'other', why: `the quorum accepted ${approved.proposalDigest}, the log names another proposal` };
  }
  const why = differsFromApproved(link, origin, approved);
  return why === null ? { state: 'accepted', why: '' } : { state: 'other', why };
}

/** The epoch in which the genesis was adopted; -1 when no record says so. */
function adoptedIn(target: AuditTarget): number {
  for (const { n } of target.file?.epochs ?? []) {
    const paths = target.epochPaths(n);
    try {
      for (const { record } of storedRecords(target.files, paths, 0, Number.MAX_SAFE_INTEGER)) {
        if (record.op === 'genesis.adopt') return n;
      }
    } catch (error) {
      // The end of the records of an epoch.
      if (!(error instanceof RonError)) throw error;
    }
  }
  return -1;
}

/** Up to which size the end of the epoch before this link was accepted as lost. */
export function lostUpTo(link: ReadLink | undefined): number {
  return link?.state === 'accepted' ? (link.link?.prev_checkpoint?.size ?? 0) : 0;
}

/** Where the kid counters of an epoch begin; null when what lies before it does not say. */
export function countersBefore({ link }: ReadLink, kids: KidCounters | null): KidCounters | null {
  return kids !== null && link !== null && countersDigest(countersFile(kids)) === link.counters ? kids : null;
}

export function checkLink(target: AuditTarget, read: ReadLink, before: EpochOutcome): Finding[] {
  const where = { index: 0 };
  const { link } = read;
  const mismatch = (why: string): Finding => {
    const message = `epoch ${read.epoch} does not follow epoch ${before.summary.epoch}: ${why}`;
    return { code: 'epoch-mismatch', ...where, message };
  };
  if (link === null) return [read.state === 'unproven' ? unproven(read) : mismatch(read.why)];
  const { report, remembered } = before;
  const known = [...(report?.ladder ?? []), ...(remembered === null ? [] : [remembered])];
  const against = contradicts(link, { origin: before.summary.origin, known });
  if (against !== null) return [mismatch(against)];
  if (read.state === 'other') return [mismatch(read.why)];
  const findings: Finding[] = read.state === 'unproven' ? [unproven(read)] : [];
  const isWhole = report?.rootsMatch === true;
  if (isWhole && report.kids !== null && countersBefore(read, report.kids) === null) {
    findings.push({ code: 'counter', ...where, message: 'the kid counters do not go on from the epoch before' });
  }
  if (isWhole && report.generation !== null && (read.generation ?? 0) <= report.generation) {
    const message = `generation ${read.generation} does not rise above ${report.generation} of the epoch before`;
    findings.push({ code: 'generation', ...where, message });
  }
  if (link.lost !== null) {
    const { from, to } = link.lost;
    const imported = checkImported(target, before.summary.epoch, link);
    const and =
      imported === null ? '' : imported.length > 0 ? '; what was imported of them does not hold' : ', and are imported';
    const message = `records ${from} to ${to - 1} of ${link.prev_origin} were lost in a restore${and}`;
    findings.push({ code: 'lost-records', ...where, message }, ...(imported ?? []));
  }
  return findings;
}

/** The imported range under the checkpoint that the link names; null when nothing is there. */
function checkImported(target: AuditTarget, epoch: number, link: EpochLink): Finding[] | null {
  const paths = target.epochPaths(epoch);
  const range = lostRange(link);
  if (range === null || target.kind === 'tlog' || !isImported(target.files, paths)) return null;
  let seq = range.from;
  try {
    for (const one of provenRange(target.files, importedPaths(paths), range)) seq = one.seq + 1;
    return [];
  } catch (error) {
    if (!(error instanceof RonError) || error.exit !== 10) throw error;
    const code = error.field === 'leaf-mismatch' ? 'leaf-mismatch' : 'missing-records';
    return [{ code, index: seq, message: error.message, file: 'imported' }];
  }
}

const unproven = ({ why }: ReadLink): Finding => ({ code: 'epoch-unproven', index: 0, message: why });

/** An epoch that this home remembers and that log.json does not name: an older copy, or a log that was rolled back. */
export function missingEpoch(target: AuditTarget): (Finding & { readonly epoch: number })[] {
  const newest = target.file?.epochs.at(-1);
  const later = newest === undefined ? null : laterEpoch(target, newest);
  if (later === null) return [];
  const message = `this home remembers ${later}; log.json ends with ${newest!.origin}`;
  return [{ epoch: newest!.n, code: target.kind === 'home' ? 'rolled-back' : 'older-copy', message, file: 'log.json' }];
}
