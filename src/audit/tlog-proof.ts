// One record with its inclusion proof in one file (log page 4.9, c2sp.org/tlog-proof):
//   c2sp.org/tlog-proof@v1
//   extra <base64>          the exact record line; optional in the format, required by ronctl
//   index <decimal>
//   <base64 hash> ...       from the leaf upwards
//   (empty line)
//   checkpoint              a signed note
// `extra` is hashed again: an inclusion proof binds nothing to a record that it does not hash. Refused: any other
// line, base64 or decimal that is not canonical, a hash of another length, more than 64 hashes.

import { fromBase64, toBase64 } from '../bytes/base64.ts';
import { malformed } from '../bytes/decode.ts';
import { concat } from '../bytes/framing.ts';
import { fromUtf8, utf8 } from '../bytes/text.ts';
import { LIMITS } from '../limits.ts';
import type { LogVerifier, VerifiedCheckpoint } from './checkpoint.ts';
import type { FindingCode } from './findings.ts';
import { HASH_BYTES, leafHash } from './leaf.ts';
import { verifyInclusion } from './proof.ts';

const HEADER = 'c2sp.org/tlog-proof@v1';
/** A tree of 2^63 leaves has no longer path. */
const PATH_MAX = 63;

export interface TlogProof {
  /** The record line without LF, or null when the file has none. */
  readonly extra: Uint8Array | null;
  readonly index: number;
  /** From the leaf upwards. */
  readonly path: readonly Uint8Array[];
  /** The exact note. */
  readonly checkpoint: Uint8Array;
}

/** True when the bytes begin like a proof of this format, in any version. */
export function isTlogProof(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 24))
    .toString('latin1')
    .startsWith('c2sp.org/tlog-proof@v');
}

export function formatTlogProof(proof: TlogProof): Uint8Array {
  const extra = proof.extra === null ? '' : `extra ${toBase64(proof.extra)}\n`;
  const path = proof.path.map((hash) => `${toBase64(hash)}\n`).join('');
  return concat(utf8(`${HEADER}\n${extra}index ${proof.index}\n${path}\n`), proof.checkpoint);
}

/** Form only; throws Malformed naming `what`. */
export function parseTlogProof(bytes: Uint8Array, what: string): TlogProof {
  const text = fromUtf8(bytes);
  if (text === null) return malformed('', `${what}: not UTF-8`);
  const end = text.indexOf('\n\n');
  if (end < 0) return malformed('', `${what}: no empty line before the checkpoint`);
  const lines = text.slice(0, end).split('\n');
  if (lines.shift() !== HEADER) malformed('', `${what}: does not begin with ${HEADER}`);
  let extra: Uint8Array | null = null;
  if (lines[0]?.startsWith('extra ') === true) {
    extra =
      fromBase64(lines.shift()!.slice('extra '.length)) ?? malformed('extra', `${what}: standard base64 is expected`);
    if (extra.length > LIMITS.auditLineBytes) malformed('extra', `${what}: longer than ${LIMITS.auditLineBytes} bytes`);
  }
  const index = /^index (0|[1-9][0-9]{0,15})$/.exec(lines.shift() ?? '')?.[1];
  if (index === undefined || !Number.isSafeInteger(Number(index))) return malformed('index', `${what}: no index line`);
  if (lines.length > PATH_MAX) malformed('', `${what}: a path of ${lines.length} hashes`);
  const path = lines.map(
    (line, n) =>
      fromBase64(line, HASH_BYTES) ?? malformed(`path[${n}]`, `${what}: ${HASH_BYTES} bytes as base64 are expected`),
  );
  const checkpoint = utf8(text.slice(end + 2));
  if (checkpoint.length === 0) malformed('', `${what}: no checkpoint`);
  return { extra, index: Number(index), path, checkpoint };
}

/** True when `line` is the record at `index` of the tree of this size and root. */
export function provesInclusion(
  proof: Pick<TlogProof, 'index' | 'path'>,
  line: Uint8Array,
  tree: { readonly size: number; readonly root: Uint8Array },
): boolean {
  return verifyInclusion(proof.index, tree.size, leafHash(line), proof.path, tree.root);
}

export type TlogProofAnswer =
  | { readonly ok: true; readonly checkpoint: VerifiedCheckpoint; readonly line: Uint8Array; readonly index: number }
  | { readonly ok: false; readonly code: FindingCode; readonly message: string };

/** The checkpoint under the log's keys, and the record in its tree. `line`: the record, when the file does not carry it. */
export function checkTlogProof(
  proof: TlogProof,
  log: LogVerifier,
  line: Uint8Array | null = proof.extra,
): TlogProofAnswer {
  const answer = log.check(proof.checkpoint);
  if (!answer.ok) return answer;
  if (line === null) return { ok: false, code: 'missing-records', message: 'the proof does not carry its record' };
  if (proof.extra !== null && Buffer.compare(proof.extra, line) !== 0) {
    return { ok: false, code: 'leaf-mismatch', message: 'the proof carries another record' };
  }
  if (!provesInclusion(proof, line, answer.checkpoint)) {
    return {
      ok: false,
      code: 'leaf-mismatch',
      message: `the record is not at index ${proof.index} of the signed tree`,
    };
  }
  return { ok: true, checkpoint: answer.checkpoint, line, index: proof.index };
}
