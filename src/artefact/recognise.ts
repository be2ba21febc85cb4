// What a file is, from its bytes (I-49). Kinds are told apart by magic bytes, payload type, `type` member or first line,
// never by the file name. Refuses a file that looks like one of ours but is not in its canonical form (Malformed): nothing
// can be said about such a file. A file of somebody else is null.

import { type Json, type JsonObject, parseCanonicalFile, parseHandWritten } from '../bytes/canonical-json.ts';
import { array, integer, object, string, within } from '../bytes/decode.ts';
import { toHex } from '../bytes/hex.ts';
import { fromUtf8 } from '../bytes/text.ts';
import type { Crypto } from '../crypto/provider.ts';
import { decodeEnvelope } from '../envelope/dsse.ts';
import { NOTE_TYPES, parseVkey } from '../envelope/note.ts';
import { fail } from '../errors.ts';
import { decodeBundle } from '../keys/bundle.ts';
import { signedMessage } from '../keys/message.ts';
import { type Artefact, type KnownKey, verdictOf } from './artefact.ts';
import { describeSealed, describeWrap } from './binary.ts';
import { describeCapability } from './capability.ts';
import { judgeSignature, keysIn, keysOfHolder } from './known-keys.ts';
import { describeCheckpoint, describeConsistencyProof, describeTlogProof, isNote } from './notes.ts';
import { describeSigned } from './signed.ts';
import { describeState } from './state-file.ts';
import { describeUnsigned, envelopesOf } from './unsigned.ts';

const isObject = (value: unknown): value is JsonObject =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** Loose look at the members, to tell ours from foreign JSON before the strict parse. */
function looseObject(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function describeBundle(crypto: Crypto, value: JsonObject, keys: readonly KnownKey[]): Artefact {
  const bundle = decodeBundle(value);
  const message = signedMessage(
    bundle.signatures.map((one) => one.alg),
    bundle.kidText,
    bundle.payloadB3,
  );
  return {
    kind: 'signature bundle',
    version: 1,
    type: null,
    digest: null,
    words: null,
    members: [
      { name: 'kid', value: bundle.kidText },
      { name: 'payload_b3', value: toHex(bundle.payloadB3) },
      { name: 'algs', value: bundle.signatures.map((one) => one.alg).join('+') },
    ],
    signatures: bundle.signatures.map((one) =>
      judgeSignature(crypto, keys, '', `${bundle.kidText}/${one.alg}`, message, one.bytes),
    ),
    checks: [],
    unchecked: [
      'whether it belongs to your file, and whether the policy accepts it: `ronctl kms verify --file FILE --sig BUNDLE`',
    ],
  };
}

const BOM = '\ufeff';

/**
 * Explains a whole file. `keys`: public keys known from other files. Null when it is not ours. Throws Malformed (and
 * NewerVersion, Tampered for a cut sealed record) when it is ours but broken.
 */
export function recognise(
  crypto: Crypto,
  bytes: Uint8Array,
  keys: readonly KnownKey[],
  name = 'file',
): Artefact | null {
  const binary = describeSealed(bytes) ?? describeWrap(bytes);
  if (binary !== null) return binary;
  const text = fromUtf8(bytes);
  if (text === null) return null;
  const proof = describeTlogProof(crypto, bytes, keys) ?? describeConsistencyProof(crypto, bytes, keys);
  if (proof !== null) return proof;
  if (isNote(text)) return describeCheckpoint(crypto, bytes, keys);
  if (!text.startsWith('{') && !text.startsWith(BOM)) return describeCapability(text);
  const loose = looseObject(text.replace(BOM, ''));
  if (loose === null) {
    // Damaged or cut off: says where.
    parseHandWritten(text, name);
    return null;
  }
  const has = (...names: readonly string[]): boolean => names.every((one) => Object.hasOwn(loose, one));
  const strict = (): JsonObject => parseCanonicalFile(bytes, name) as JsonObject;
  if (has('payload', 'payloadType', 'signatures')) {
    const type = loose['payloadType'];
    if (typeof type !== 'string' || !type.startsWith('application/vnd.ron.')) return null;
    return (
      describeSigned(crypto, decodeEnvelope(strict(), ''), keys) ??
      fail('NewerVersion', `an object of the type ${type}, which this ronctl does not know`, {
        hint: 'Use a newer ronctl.',
      })
    );
  }
  if (has('type') && typeof loose['type'] === 'string' && loose['type'].startsWith('application/vnd.ron.')) {
    return (
      describeUnsigned(crypto, bytes, strict(), keys) ??
      fail('NewerVersion', `an object of the type ${loose['type']}, which this ronctl does not know`, {
        hint: 'Use a newer ronctl.',
      })
    );
  }
  if (has('kid', 'payload_b3', 'sigs')) return describeBundle(crypto, strict(), keys);
  return describeState(loose, strict);
}

/**
 * The keys that a file names, for judging another one: genesis, bundle, request, proof, key object, audit/log.json. Throws
 * VerificationFailed when something in the file itself is invalid: whoever changed it may have put in keys of their own.
 */
export function keysFromFile(crypto: Crypto, bytes: Uint8Array, what: string): readonly KnownKey[] {
  return within(what, () => {
    const keys = keysOf(bytes, what);
    const artefact = recognise(crypto, bytes, [], what);
    if (artefact === null || verdictOf(artefact) !== 'something invalid') return keys;
    return fail('VerificationFailed', `a ${artefact.kind} with something invalid in it; its keys are not used`, {
      hint: `Run \`ronctl inspect ${what}\` to see what, and get the file again from its author.`,
    });
  });
}

function keysOf(bytes: Uint8Array, what: string): readonly KnownKey[] {
  const value = parseCanonicalFile(bytes, what);
  if (!isObject(value)) return fail('Malformed', `${what}: no file that names keys`);
  if (Object.hasOwn(value, 'payloadType')) return keysIn(decodeEnvelope(value, ''));
  if (isObject(value['service_keys']) && Array.isArray(value['epochs'])) {
    return [...keysOfHolder('service', value['service_keys'], what), ...logKeysOf(value['epochs'], what)];
  }
  return envelopesOf(bytes, value).flatMap((one) => keysIn(one));
}

/** Every vkey of audit/log.json, of every epoch and era. */
function logKeysOf(epochs: readonly Json[], what: string): KnownKey[] {
  const shape = array(
    object({
      n: integer(0),
      origin: string(),
      keys: array(object({ from: integer(0), vkeys: array(string(), 2) }), 1024),
    }),
    1024,
  );
  return shape(epochs, 'epochs').flatMap((epoch) =>
    epoch.keys.flatMap((era) =>
      era.vkeys.map((text): KnownKey => {
        const { type, publicKey } = parseVkey(text);
        const alg = type === NOTE_TYPES.ed25519 ? 'ed25519' : 'ml-dsa-44';
        return { keyid: `log/${alg}`, alg, publicKey, from: what };
      }),
    ),
  );
}
