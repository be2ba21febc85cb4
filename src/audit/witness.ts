// What a witness says to a request (C2SP tlog-witness, log page 4.11), without keys or files: 403 no, one or a bad trusted
// signature; 400 old size above the checkpoint's, or a form that cannot be read; 409 another size than the one last cosigned;
// 422 a proof that does not hold, another root at the same size, an empty tree with a root. Old size 0 with an empty proof is
// right here, and only here (D11). The caller answers 404 for an origin that it does not know, before all of this.

import { equalBytes } from '../bytes/equal.ts';
import { fromUtf8 } from '../bytes/text.ts';
import { type CheckpointBody, type LogVerifier, parseBody, type VerifiedCheckpoint } from './checkpoint.ts';
import { verifyConsistency } from './proof.ts';
import type { WitnessRequest } from './witness-request.ts';

export type WitnessStatus = 400 | 403 | 404 | 409 | 422;

export type WitnessJudgement =
  | { readonly ok: true; readonly checkpoint: VerifiedCheckpoint }
  | {
      readonly ok: false;
      readonly status: WitnessStatus;
      readonly message: string;
      /** With 409: the size that was last cosigned. */
      readonly size?: number;
      /** A checkpoint with the log's signatures that contradicts what was cosigned. */
      readonly contradiction?: VerifiedCheckpoint;
    };

/** What a witness answers. */
export type WitnessReply =
  | {
      readonly status: 200;
      readonly checkpoint: VerifiedCheckpoint;
      /** Signature lines. */
      readonly lines: Uint8Array;
    }
  | {
      readonly status: WitnessStatus;
      readonly message: string;
      readonly origin: string | null;
      readonly size?: number;
      /** Path of the evidence file of a fork. */
      readonly evidence?: string;
    };

/** First line of the note, which names the log; null when there is none. Nothing is verified. */
export function claimedOrigin(note: Uint8Array): string | null {
  const text = fromUtf8(note);
  const end = text?.indexOf('\n') ?? -1;
  return text === null || end <= 0 ? null : text.slice(0, end);
}

const refuse = (status: WitnessStatus, message: string): WitnessJudgement => ({ ok: false, status, message });

/** What needs no state, so that a stranger's request waits for nothing. `verifier` holds the trusted keys of the origin. */
export function checkWitnessNote({ oldSize, note }: WitnessRequest, verifier: LogVerifier): WitnessJudgement {
  const answer = verifier.check(note);
  if (!answer.ok) {
    if (answer.code !== 'checkpoint-malformed') return refuse(403, answer.message);
    return refuse(isRootOfNothing(note) ? 422 : 400, answer.message);
  }
  const { checkpoint } = answer;
  if (oldSize > checkpoint.size) {
    return refuse(400, `the old size ${oldSize} is above the size ${checkpoint.size} of the checkpoint`);
  }
  return { ok: true, checkpoint };
}

/** A request whose note passed `checkWitnessNote`. `known`: what was last cosigned for this origin, or null. */
export function judgeWitnessRequest(
  { oldSize, proof }: WitnessRequest,
  checkpoint: VerifiedCheckpoint,
  known: CheckpointBody | null,
): WitnessJudgement {
  const size = known?.size ?? 0;
  if (oldSize !== size) {
    return { ok: false, status: 409, message: `the checkpoint last cosigned here has size ${size}`, size };
  }
  if (known === null || size === 0) {
    return proof.length === 0 ? { ok: true, checkpoint } : refuse(422, 'a proof from size 0 is empty');
  }
  if (checkpoint.size === size && !equalBytes(checkpoint.root, known.root)) {
    const message = `another root was cosigned for size ${size}`;
    return { ok: false, status: 422, message, contradiction: checkpoint };
  }
  if (!verifyConsistency(size, checkpoint.size, known.root, checkpoint.root, proof)) {
    return refuse(422, `the consistency proof from ${size} to ${checkpoint.size} does not hold`);
  }
  return { ok: true, checkpoint };
}

/** A body that is well-formed but for an empty tree whose root is not that of nothing. */
function isRootOfNothing(note: Uint8Array): boolean {
  const lines = (fromUtf8(note) ?? '').split('\n');
  const [origin, size, root, blank] = lines;
  return size === '0' && blank === '' && parseBody(`${origin}\n1\n${root}\n`) !== null;
}
