// Asks the witnesses of a policy for cosignatures on a checkpoint (log page 4.11, C2SP tlog-witness) and keeps what they say.
// One request per URL, all at once; the size that a witness knows is guessed from what it signed before, and learned from a
// 409. A witness that knows more than this log has is told to the operator: the log may have been rolled back. What a witness
// answers counts by its signatures alone. No witness, however slow or wrong, changes anything else.

import type { LogVerifier, VerifiedCheckpoint } from '../../audit/checkpoint.ts';
import { type PolicyWitness, policyLabel } from '../../audit/policy.ts';
import type { PolicyJudge } from '../../audit/policy-judge.ts';
import { consistencyProof } from '../../audit/proof.ts';
import {
  type AskWitness,
  formatWitnessRequest,
  parseSignatureLines,
  type WitnessAnswer,
} from '../../audit/witness-request.ts';
import { fromUtf8 } from '../../bytes/text.ts';
import { type NoteSignature, parseNote } from '../../envelope/note.ts';
import { RonError } from '../../errors.ts';
import type { EpochPaths } from '../../storage/audit-paths.ts';
import { hashReader } from '../../storage/audit-store.ts';
import { cachedTileReader, tileReader } from '../../storage/audit-tiles.ts';
import {
  type CosignedDeps,
  type Merged,
  mergeCosignatures,
  readCosigned,
  readWaiting,
} from '../../storage/cosigned.ts';

export interface CosigningLog {
  readonly paths: EpochPaths;
  readonly verifier: LogVerifier;
  readonly judge: PolicyJudge;
}

export interface WitnessOutcome {
  readonly url: string;
  /** Names in the policy. */
  readonly witnesses: readonly string[];
  readonly ok: boolean;
  /** HTTP status; null when nothing answered. */
  readonly status: number | null;
  readonly message: string;
}

export interface CosigningResult {
  readonly outcomes: readonly WitnessOutcome[];
  readonly merged: Merged;
}

interface Station {
  readonly url: string;
  readonly witnesses: readonly PolicyWitness[];
}

/** Witnesses with a URL; two lines of one URL are asked once. */
export function stationsOf({ policy }: PolicyJudge): readonly Station[] {
  const asked = policy.witnesses.filter((one) => one.url !== null);
  return [...Map.groupBy(asked, (one) => one.url!)].map(([url, witnesses]) => ({ url, witnesses }));
}

const ROUNDS = 3;

/** The size that a witness cosigned last, as far as the notes kept here say. */
function knownSize(deps: CosignedDeps, log: CosigningLog, { witnesses }: Station, most: number): number {
  const { files } = deps;
  const cosigned = readCosigned(files, log.paths, log.verifier);
  const notes = [...readWaiting(files, log.paths, log.verifier), ...(cosigned === null ? [] : [cosigned])];
  const sizes = notes
    .filter(({ note, size }) => {
      const { signatures } = parseNote(note, 'note');
      return size <= most && witnesses.some(({ vkey }) => signatures.some((one) => one.keyId === vkey.keyId));
    })
    .map((one) => one.size);
  return Math.max(0, ...sizes);
}

function proofFrom(deps: CosignedDeps, { paths }: CosigningLog, from: number, { size }: VerifiedCheckpoint) {
  if (from === 0 || from === size) return [];
  return consistencyProof(from, size, hashReader(cachedTileReader(tileReader(deps.files, paths)), size));
}

function sizeOf(answer: WitnessAnswer): number | null {
  const text = answer.type === 'text/x.tlog.size' && answer.body.length <= 20 ? fromUtf8(answer.body) : null;
  const digits = /^(0|[1-9][0-9]{0,15})\n?$/.exec(text ?? '')?.[1];
  return digits === undefined || !Number.isSafeInteger(Number(digits)) ? null : Number(digits);
}

const shortText = (body: Uint8Array): string =>
  (fromUtf8(body.subarray(0, 200)) ?? '').replaceAll(/\p{Cc}+/gu, ' ').trim();

async function askOne(
  deps: CosignedDeps,
  log: CosigningLog,
  checkpoint: VerifiedCheckpoint,
  station: Station,
  ask: (body: Uint8Array) => Promise<WitnessAnswer>,
): Promise<{ readonly outcome: WitnessOutcome; readonly lines: readonly NoteSignature[] }> {
  const say = (ok: boolean, status: number | null, message: string, lines: readonly NoteSignature[] = []) => ({
    outcome: {
      url: station.url,
      witnesses: station.witnesses.map((one) => policyLabel(one.name)),
      ok,
      status,
      message,
    },
    lines,
  });
  const note = logLines(checkpoint);
  let from = knownSize(deps, log, station, checkpoint.size);
  for (let round = 1; ; round++) {
    let answer: WitnessAnswer;
    try {
      answer = await ask(formatWitnessRequest({ oldSize: from, proof: proofFrom(deps, log, from, checkpoint), note }));
    } catch (error) {
      if (error instanceof RonError && error.code !== 'Tampered') return say(false, null, error.message);
      throw error;
    }
    if (answer.status === 200) {
      try {
        const lines = parseSignatureLines(answer.body, station.url);
        const isKnown = lines.some((one) => station.witnesses.some(({ vkey }) => vkey.keyId === one.keyId));
        return isKnown
          ? say(true, 200, 'cosigned', lines)
          : say(false, 200, 'it answers with other keys than the policy names');
      } catch (error) {
        if (error instanceof RonError) return say(false, 200, error.message);
        throw error;
      }
    }
    const size = answer.status === 409 ? sizeOf(answer) : null;
    if (size === null) return say(false, answer.status, shortText(answer.body) || `status ${answer.status}`);
    if (size > checkpoint.size) {
      return say(
        false,
        409,
        `it has cosigned size ${size}, and this log has ${checkpoint.size}: was the log rolled back?`,
      );
    }
    if (size === from || round === ROUNDS) return say(false, 409, `it says that it knows size ${size}`);
    from = size;
  }
}

/** The note with the log's own signatures alone. */
function logLines(checkpoint: VerifiedCheckpoint): Uint8Array {
  // A note that the writer made has nothing else; one that was merged may.
  const text = Buffer.from(checkpoint.note).toString('utf8');
  const split = text.lastIndexOf('\n\n') + 2;
  const own = text
    .slice(split)
    .split('\n')
    .filter((line) => line.startsWith(`\u2014 ${checkpoint.origin} `));
  return Buffer.from(`${text.slice(0, split)}${own.map((line) => `${line}\n`).join('')}`, 'utf8');
}

/** Asks every witness that the policy gives a URL, merges their lines. Throws only for this side's own files. */
export async function collectCosignatures(
  deps: CosignedDeps,
  log: CosigningLog,
  checkpoint: VerifiedCheckpoint,
  ask: AskWitness,
  { signal, write }: { readonly signal: AbortSignal; readonly write: boolean },
): Promise<CosigningResult> {
  const answers = await Promise.all(
    stationsOf(log.judge).map((station) =>
      askOne(deps, log, checkpoint, station, (body) => ask(station.url, body, signal)),
    ),
  );
  const lines = answers.flatMap((one) => one.lines);
  const merged = await mergeCosignatures(deps, log, checkpoint, lines, { write });
  const refused = new Set(merged.refused.map(policyLabel));
  const outcomes = answers.map(({ outcome }) =>
    outcome.ok && outcome.witnesses.some((name) => refused.has(name))
      ? { ...outcome, ok: false, message: 'its cosignature does not verify' }
      : outcome,
  );
  return { outcomes, merged };
}
