// Checkpoints (log page 4.6, C2SP tlog-checkpoint and tlog-cosignature). Body: `<origin>\n<size>\n<base64 root>\n`, no
// extension lines. Two log signatures named origin: Ed25519 (0x01) over the body; ML-DSA-44 (0x06): u64be seconds ‖
// signature over "subtree/v1\n\0" ‖ u8 len+origin ‖ u64be seconds ‖ u8 len+origin ‖ u64be 0 ‖ u64be size ‖ root.
// Both must verify. Attack: a note passes with any known key, so stripping 0x06 would make the log classical.

import { fromBase64, toBase64 } from '../bytes/base64.ts';
import { equalBytes } from '../bytes/equal.ts';
import { concat, readU64be, u8, u64be } from '../bytes/framing.ts';
import { utf8 } from '../bytes/text.ts';
import type { Crypto, SigningKey, VerifyingKey } from '../crypto/provider.ts';
import { formatNote, formatVkey, NOTE_TYPES, type Note, parseNote, parseVkey, type Vkey } from '../envelope/note.ts';
import { RonError } from '../errors.ts';
import type { FindingCode } from './findings.ts';
import { emptyRoot, HASH_BYTES } from './leaf.ts';

export interface CheckpointBody {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}

declare const verified: unique symbol;

/** A checkpoint whose log signatures verified under trusted keys. */
export interface VerifiedCheckpoint extends CheckpointBody {
  readonly [verified]: true;
  /** Of the newest ML-DSA-44 log signature, in seconds. */
  readonly timestamp: number;
  /** The exact note. */
  readonly note: Uint8Array;
}

/** Keys of one stretch of the log: `from` is the first size that they sign, together with the keys before. */
export interface LogKeyEra {
  readonly from: number;
  /**
   * Where nobody here says at which size: `behind`: the transition stands at `from` or later, and nothing behind `from` is
   * signed by the keys before alone; `anywhere`: these keys and those before are both accepted from `from` on.
   */
  readonly transition?: 'behind' | 'anywhere';
  /** [Ed25519 (type 01), ML-DSA-44 (type 06)], both named origin. */
  readonly vkeys: readonly string[];
}

/**
 * Whose log it is and which keys may sign it: from the pinned genesis, from this home's own audit/log.json, or `claimed` by
 * the log.json of a server that nobody here has pinned.
 */
export interface TrustedLog {
  readonly origin: string;
  readonly keys: readonly LogKeyEra[];
  readonly serviceKeys: { readonly ed25519: Uint8Array; readonly ml_dsa_65: Uint8Array };
  readonly trust: 'pinned' | 'local' | 'claimed';
}

export interface LogSigningKeys {
  readonly ed25519: SigningKey;
  readonly mlDsa44: SigningKey;
}

/** Origins become key names and are length-prefixed with one byte. */
export const ORIGIN_BYTES_MAX = 255;
/** `init --log-origin`: segments joined by slashes. */
export const LOG_BASE = /^[a-z0-9.-]+(?:\/[a-z0-9.-]+)*$/;

/** `<base>/<store_id>/e<N>`; throws InvalidValue for a bad base. */
export function formatOrigin(base: string, storeId: string, epoch: number): string {
  if (!LOG_BASE.test(base) || base.length > 128) {
    throw new RonError('InvalidValue', 'the log origin base is segments of a-z, 0-9, dot and hyphen joined by `/`', {
      field: '--log-origin',
      hint: 'Give a name you own, for example example.org/kms, of at most 128 bytes.',
    });
  }
  return `${base}/${storeId}/e${epoch}`;
}

export function formatBody(body: CheckpointBody): string {
  return `${body.origin}\n${body.size}\n${toBase64(body.root)}\n`;
}

/** Null when it is not exactly origin, size and root. */
export function parseBody(text: string): CheckpointBody | null {
  const lines = text.split('\n');
  const [origin, size, root] = lines;
  if (lines.length !== 4 || lines[3] !== '' || origin === undefined || origin === '') return null;
  if (Buffer.byteLength(origin) > ORIGIN_BYTES_MAX) return null;
  if (size === undefined || !/^(?:0|[1-9][0-9]{0,15})$/.test(size) || !Number.isSafeInteger(Number(size))) return null;
  const hash = fromBase64(root!, HASH_BYTES);
  if (hash === null) return null;
  if (Number(size) === 0 && !equalBytes(hash, emptyRoot())) return null;
  return { origin, size: Number(size), root: hash };
}

/** What a type 0x06 signature signs for a whole tree. */
export function subtreeMessage(cosigner: string, timestamp: number, body: CheckpointBody): Uint8Array {
  const name = utf8(cosigner);
  const origin = utf8(body.origin);
  return concat(
    utf8('subtree/v1\n\0'),
    u8(name.length),
    name,
    u64be(timestamp),
    u8(origin.length),
    origin,
    u64be(0),
    u64be(body.size),
    body.root,
  );
}

/** The verifier keys of a pair of log signing keys. */
export function logVkeys(origin: string, keys: LogSigningKeys): readonly [string, string] {
  return [
    formatVkey(origin, NOTE_TYPES.ed25519, keys.ed25519.publicKey),
    formatVkey(origin, NOTE_TYPES.mlDsa44Cosignature, keys.mlDsa44.publicKey),
  ];
}

/** Signs with each pair in turn (two pairs only at a key transition). `timestamp` in seconds, never 0. */
export async function signCheckpoint(
  body: CheckpointBody,
  timestamp: number,
  pairs: readonly LogSigningKeys[],
): Promise<Uint8Array> {
  if (timestamp <= 0) throw new RangeError('a checkpoint timestamp is never 0');
  const text = formatBody(body);
  const signatures: { name: string; keyId: string; signature: Uint8Array }[] = [];
  for (const pair of pairs) {
    const [ed25519, mlDsa44] = logVkeys(body.origin, pair).map((vkey) => parseVkey(vkey));
    signatures.push({
      name: body.origin,
      keyId: ed25519!.keyId,
      signature: await pair.ed25519.sign(utf8(text)),
    });
    signatures.push({
      name: body.origin,
      keyId: mlDsa44!.keyId,
      signature: concat(u64be(timestamp), await pair.mlDsa44.sign(subtreeMessage(body.origin, timestamp, body))),
    });
  }
  return formatNote({ text, signatures });
}

export type CheckpointAnswer =
  | { readonly ok: true; readonly checkpoint: VerifiedCheckpoint }
  | { readonly ok: false; readonly code: FindingCode; readonly message: string };

interface EraKeys {
  readonly from: number;
  readonly transition: LogKeyEra['transition'];
  readonly pair: readonly { readonly vkey: Vkey; readonly key: VerifyingKey }[];
}

/** Verifies notes of one log; keys are imported once. */
export interface LogVerifier {
  readonly log: TrustedLog;
  check(note: Uint8Array): CheckpointAnswer;
}

const refuse = (code: FindingCode, message: string): CheckpointAnswer => ({ ok: false, code, message });

/** Throws Malformed for a vkey that is no log key of this origin. */
export function createLogVerifier(log: TrustedLog, crypto: Crypto): LogVerifier {
  const eras: EraKeys[] = log.keys.map((era) => ({
    from: era.from,
    transition: era.transition,
    pair: era.vkeys.map((text) => {
      const vkey = parseVkey(text, 'log key');
      const alg = vkey.type === NOTE_TYPES.ed25519 ? 'ed25519' : 'ml-dsa-44';
      const known = vkey.type === NOTE_TYPES.ed25519 || vkey.type === NOTE_TYPES.mlDsa44Cosignature;
      const key = known && vkey.name === log.origin ? crypto.signature(alg).importPublic(vkey.publicKey) : null;
      if (key === null) throw new RonError('Malformed', `not a key of the log ${log.origin}: ${text.slice(0, 80)}`);
      return { vkey, key };
    }),
  }));

  const check = (bytes: Uint8Array): CheckpointAnswer => {
    let note: Note;
    try {
      note = parseNote(bytes, 'checkpoint');
    } catch (error) {
      if (error instanceof RonError) return refuse('checkpoint-malformed', error.message);
      throw error;
    }
    const body = parseBody(note.text);
    if (body === null) return refuse('checkpoint-malformed', 'the body is not exactly origin, size and root');
    if (body.origin !== log.origin) {
      return refuse('checkpoint-origin', `the checkpoint is of ${body.origin}, expected ${log.origin}`);
    }
    if (eras.length === 0) return refuse('no-trusted-key', `no trusted key is known for ${log.origin}`);
    const isSignedBy = ({ vkey }: EraKeys['pair'][number]): boolean =>
      note.signatures.some((one) => one.name === log.origin && one.keyId === vkey.keyId);
    const current = eras.filter(
      (era) => era.from <= body.size && (era.transition !== 'anywhere' || era.pair.some(isSignedBy)),
    );
    const era = current.at(-1) ?? eras[0]!;
    const before = current.at(-2);
    const transition =
      before !== undefined && (era.transition === undefined ? era.from === body.size : before.pair.some(isSignedBy));
    const needed = transition ? [...before.pair, ...era.pair] : era.pair;
    if (needed.length < (transition ? 4 : 2)) {
      return refuse('log-key-missing', `not every log key that signs size ${body.size} is known here`);
    }
    const foreign = eras
      .flatMap((one) => one.pair)
      .filter((one) => !needed.some((it) => it.vkey.keyId === one.vkey.keyId));
    if (foreign.some(isSignedBy)) {
      return refuse('key-transition', `size ${body.size} is signed by log keys that do not sign this size`);
    }
    let timestamp = 0;
    for (const { vkey, key } of needed) {
      const alg = vkey.type === NOTE_TYPES.ed25519 ? 'Ed25519' : 'ML-DSA-44';
      const lines = note.signatures.filter((one) => one.name === log.origin && one.keyId === vkey.keyId);
      if (lines.length === 0) {
        return refuse(
          transition ? 'key-transition' : 'checkpoint-signature-missing',
          `the ${alg} log signature is missing at size ${body.size}`,
        );
      }
      for (const line of lines) {
        if (vkey.type === NOTE_TYPES.ed25519) {
          if (!key.verify(utf8(note.text), line.signature)) {
            return refuse('checkpoint-signature', `the Ed25519 log signature is wrong at size ${body.size}`);
          }
          continue;
        }
        const seconds = line.signature.length > 8 ? readU64be(line.signature, 0) : null;
        if (seconds === null || !key.verify(subtreeMessage(log.origin, seconds, body), line.signature.subarray(8))) {
          return refuse('checkpoint-signature', `the ML-DSA-44 log signature is wrong at size ${body.size}`);
        }
        if (seconds === 0) return refuse('checkpoint-timestamp', `the timestamp is 0 at size ${body.size}`);
        timestamp = Math.max(timestamp, seconds);
      }
    }
    return { ok: true, checkpoint: { ...body, timestamp, note: bytes } as VerifiedCheckpoint };
  };

  return { log, check };
}
