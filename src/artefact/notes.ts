// Recognisers of checkpoints (log page 4.6): a signed note with the two signatures of a log, and perhaps cosignatures of
// witnesses; and of tlog-proofs (4.9): a record, its path and the checkpoint. Each signature line is judged under the log
// keys that are known; their key id follows from the origin. The path is always checked: it needs no key.

import { type CheckpointBody, parseBody, subtreeMessage } from '../audit/checkpoint.ts';
import { isTlogProof, parseTlogProof, provesInclusion } from '../audit/tlog-proof.ts';
import { isWitnessRequest, parseWitnessRequest } from '../audit/witness-request.ts';
import { readU64be } from '../bytes/framing.ts';
import { toHex } from '../bytes/hex.ts';
import { fromUtf8, utf8 } from '../bytes/text.ts';
import { toTime } from '../bytes/time.ts';
import type { Crypto } from '../crypto/provider.ts';
import { NOTE_TYPES, type Note, type NoteSignature, noteKeyId, parseNote } from '../envelope/note.ts';
import { type Artefact, type ArtefactSignature, check, type KnownKey } from './artefact.ts';

const NOTE_SIGNATURE = '\n\n\u2014 ';

/** True when the bytes look like a signed note. */
export function isNote(text: string): boolean {
  return text.includes(NOTE_SIGNATURE);
}

const NOTE_TYPE_OF: Readonly<Partial<Record<KnownKey['alg'], number>>> = {
  ed25519: NOTE_TYPES.ed25519,
  'ml-dsa-44': NOTE_TYPES.mlDsa44Cosignature,
};

function judgeLine(
  crypto: Crypto,
  keys: readonly KnownKey[],
  note: Note,
  body: CheckpointBody,
  line: NoteSignature,
): ArtefactSignature {
  const keyid = `${line.name}+${line.keyId}`;
  const key = keys.find((one) => {
    const type = NOTE_TYPE_OF[one.alg];
    return type !== undefined && line.name === body.origin && noteKeyId(line.name, type, one.publicKey) === line.keyId;
  });
  if (key === undefined) return { object: '', keyid, verdict: 'key unknown', key_from: null };
  const scheme = crypto.signature(key.alg);
  const seconds = key.alg === 'ml-dsa-44' && line.signature.length > 8 ? readU64be(line.signature, 0) : null;
  const valid =
    key.alg === 'ed25519'
      ? scheme.verify(key.publicKey, utf8(note.text), line.signature)
      : seconds !== null &&
        seconds > 0 &&
        scheme.verify(key.publicKey, subtreeMessage(body.origin, seconds, body), line.signature.subarray(8));
  return { object: '', keyid, verdict: valid ? 'valid' : 'invalid', key_from: key.from };
}

const ML_DSA_44_LINE_BYTES = 8 + 2420;

function timeOf(note: Note, origin: string): string | null {
  const line = note.signatures.find((one) => one.name === origin && one.signature.length === ML_DSA_44_LINE_BYTES);
  const seconds = line === undefined ? null : readU64be(line.signature, 0);
  return seconds === null || seconds === 0 || seconds > 8.64e12 ? null : toTime(seconds * 1000);
}

/** Null when it is a note of another kind. Throws Malformed for a broken note. */
export function describeCheckpoint(crypto: Crypto, bytes: Uint8Array, keys: readonly KnownKey[]): Artefact | null {
  const note = parseNote(bytes, 'checkpoint');
  const body = parseBody(note.text);
  if (body === null) return null;
  const own = note.signatures.filter((one) => one.name === body.origin);
  const classical = own.some((one) => one.signature.length === 64);
  const postQuantum = own.some((one) => one.signature.length === ML_DSA_44_LINE_BYTES);
  const time = timeOf(note, body.origin);
  return {
    kind: 'checkpoint',
    version: 1,
    type: null,
    digest: null,
    words: null,
    members: [
      { name: 'origin', value: body.origin },
      { name: 'size', value: String(body.size) },
      { name: 'root', value: toHex(body.root) },
      ...(time === null ? [] : [{ name: 'signed', value: time }]),
    ],
    signatures: note.signatures.map((line) => judgeLine(crypto, keys, note, body, line)),
    checks: [
      check('an Ed25519 signature of the log is there', classical, 'missing'),
      check('an ML-DSA-44 signature of the log is there', postQuantum, 'missing'),
    ],
    unchecked: [
      'whether the log keys are the right ones: the pinned genesis says it',
      'whether the log still agrees with it: `ronctl audit verify`',
    ],
  };
}

/** Null when it is no tlog-proof. Throws Malformed. */
export function describeTlogProof(crypto: Crypto, bytes: Uint8Array, keys: readonly KnownKey[]): Artefact | null {
  if (!isTlogProof(bytes)) return null;
  const proof = parseTlogProof(bytes, 'tlog-proof');
  const inner = describeCheckpoint(crypto, proof.checkpoint, keys);
  const body = parseBody(parseNote(proof.checkpoint, 'checkpoint').text);
  if (inner === null || body === null) return null;
  const included = proof.extra !== null && provesInclusion(proof, proof.extra, body);
  return {
    ...inner,
    kind: 'tlog-proof',
    members: [
      { name: 'index', value: String(proof.index) },
      { name: 'path', value: `${proof.path.length} hashes` },
      ...(proof.extra === null ? [] : [{ name: 'record', value: fromUtf8(proof.extra) ?? 'not UTF-8' }]),
      ...inner.members.map((one) => ({ name: `checkpoint.${one.name}`, value: one.value })),
    ],
    checks: [
      ...inner.checks,
      ...(proof.extra === null ? [] : [check('the record is at this index of the signed tree', included)]),
    ],
    unchecked: [
      ...(proof.extra === null ? ['which record it proves: the file does not carry it'] : []),
      ...inner.unchecked,
    ],
  };
}

/** The body of a witness request; null when it is none. Throws Malformed. What is older is not in it, so it stays open. */
export function describeConsistencyProof(
  crypto: Crypto,
  bytes: Uint8Array,
  keys: readonly KnownKey[],
): Artefact | null {
  if (!isWitnessRequest(bytes)) return null;
  const { oldSize, proof, note } = parseWitnessRequest(bytes, 'consistency proof');
  const inner = describeCheckpoint(crypto, note, keys);
  const body = parseBody(parseNote(note, 'checkpoint').text);
  if (inner === null || body === null) return null;
  return {
    ...inner,
    kind: 'consistency proof',
    members: [
      { name: 'old', value: String(oldSize) },
      { name: 'path', value: `${proof.length} hashes` },
      ...inner.members.map((one) => ({ name: `checkpoint.${one.name}`, value: one.value })),
    ],
    checks: [...inner.checks, check('the older size is not above the checkpoint', oldSize <= body.size)],
    unchecked: [
      'whether it leads from the older checkpoint: `ronctl audit check-proof FILE --old OLD`',
      ...inner.unchecked,
    ],
  };
}
