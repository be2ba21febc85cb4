// A log under the keys that a witness policy names (log page 4.8): for who has no pin. A policy says which keys, the n-th
// Ed25519 key with the n-th ML-DSA-44 key, and never from which size on: a note is judged by the pairs that signed it, and one
// that two pairs signed by both. Keys that sign a checkpoint together with those of the policy are an era that the policy
// does not know: what they sign alone is inconclusive, not tampered.

import { createLogVerifier, type LogKeyEra, parseBody, type TrustedLog } from '../audit/checkpoint.ts';
import type { WitnessPolicy } from '../audit/policy.ts';
import type { Crypto } from '../crypto/provider.ts';
import { NOTE_TYPES, parseNote, parseVkey } from '../envelope/note.ts';
import { RonError } from '../errors.ts';

const NONE = { ed25519: new Uint8Array(), ml_dsa_65: new Uint8Array() };

/** The log with one or both keys of each pair; null when the policy names none of this origin. */
export function policyLog(policy: WitnessPolicy, origin: string): TrustedLog | null {
  const own = policy.logs.filter((one) => one.vkey.name === origin).map((one) => one.vkey);
  if (own.length === 0) return null;
  const [ed25519, mlDsa44] = [NOTE_TYPES.ed25519, NOTE_TYPES.mlDsa44Cosignature].map((type) =>
    own.filter((vkey) => vkey.type === type).map((vkey) => vkey.text),
  ) as [string[], string[]];
  const keys = Array.from({ length: Math.max(ed25519.length, mlDsa44.length) }, (_, at): LogKeyEra => {
    const vkeys = [ed25519[at], mlDsa44[at]].filter((one) => one !== undefined);
    return at === 0 ? { from: 0, vkeys } : { from: 0, transition: 'anywhere', vkeys };
  });
  return { origin, keys, serviceKeys: NONE, trust: 'pinned' };
}

/**
 * The same log with the eras that the policy does not know: before or behind a verified checkpoint that other log keys signed
 * too. `notes`: of the log at hand, by size.
 */
export function withUnknownEras(log: TrustedLog, notes: Iterable<Uint8Array>, crypto: Crypto): TrustedLog {
  const verifier = createLogVerifier(log, crypto);
  const known = new Set(log.keys.flatMap((era) => era.vkeys.map((vkey) => keyIdOf(vkey))));
  for (const bytes of notes) {
    const lines = ownLines(bytes, log.origin);
    const strange = lines.findIndex((id) => !known.has(id));
    const own = lines.findIndex((id) => known.has(id));
    if (strange < 0 || own < 0 || !verifier.check(bytes).ok) continue;
    const size = parseBody(parseNote(bytes, 'checkpoint').text)!.size;
    const unknown = { vkeys: [] };
    // The keys before stand first.
    if (strange > own) return { ...log, keys: [...log.keys, { from: size, ...unknown }] };
    const [first, ...later] = log.keys;
    const after = later.map((era) => ({ ...era, from: size }));
    return { ...log, keys: [{ from: 0, ...unknown }, { from: size, vkeys: first!.vkeys }, ...after] };
  }
  return log;
}

const keyIdOf = (vkey: string): string => parseVkey(vkey, 'log key').keyId;

/** Key ids of the signature lines named origin, in their order. */
function ownLines(bytes: Uint8Array, origin: string): string[] {
  try {
    return parseNote(bytes, 'checkpoint')
      .signatures.filter((one) => one.name === origin)
      .map((one) => one.keyId);
  } catch (error) {
    if (error instanceof RonError) return [];
    throw error;
  }
}
