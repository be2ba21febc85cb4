// Recognisers of our two binary formats: the sealed record (RONK, store page 3), whose header is in clear, and the wrap
// envelope (RONW, keys page 7). Nothing is decrypted.

import { toHex } from '../bytes/hex.ts';
import { utf8 } from '../bytes/text.ts';
import { WRAP_SUITES } from '../keys/tracks.ts';
import { parseEnvelope } from '../keys/wrap-envelope.ts';
import { isSealed, splitRecord } from '../sealed/header.ts';
import { encodeKdf } from '../sealed/kdf-parameters.ts';
import type { Artefact, ArtefactMember } from './artefact.ts';

const RONW = utf8('RONW');

const plain = { type: null, digest: null, words: null, signatures: [], checks: [] } as const;

export function describeSealed(bytes: Uint8Array): Artefact | null {
  if (!isSealed(bytes)) return null;
  const { header, ciphertext } = splitRecord(bytes, 'sealed record');
  const members: ArtefactMember[] = [
    { name: 'record_type', value: header.record_type },
    { name: 'store_id', value: header.store_id },
    { name: 'generation', value: String(header.generation) },
    { name: 'created_at', value: header.created_at },
    { name: 'aead', value: header.aead },
    { name: 'key', value: header.key === 'root' ? 'root (from the passphrase)' : 'record (from the root key)' },
  ];
  if (header.key === 'root') {
    for (const [name, value] of Object.entries(encodeKdf(header.kdf)))
      members.push({ name: `kdf.${name}`, value: typeof value === 'string' ? value : JSON.stringify(value) });
    members.push({ name: 'kcv', value: toHex(header.kcv) });
  }
  if (header.kid !== undefined) members.push({ name: 'kid', value: header.kid });
  if (header.not_after !== undefined) members.push({ name: 'not_after', value: header.not_after });
  members.push({ name: 'ciphertext', value: `${ciphertext.length} bytes with tag` });
  return {
    ...plain,
    kind: 'sealed record',
    version: 1,
    members,
    unchecked: [
      'the header and the content: only the passphrase authenticates them',
      'whether this is the newest record of its name: the manifest of the store says it',
    ],
  };
}

export function describeWrap(bytes: Uint8Array): Artefact | null {
  if (bytes.length < RONW.length || RONW.some((byte, index) => bytes[index] !== byte)) return null;
  const envelope = parseEnvelope(bytes);
  const suite = WRAP_SUITES[envelope.suite];
  return {
    ...plain,
    kind: 'wrap envelope',
    version: 1,
    members: [
      { name: 'kid', value: envelope.kidText },
      { name: 'suite', value: `${envelope.suite} (${suite.kem}, ${suite.aead})` },
      { name: 'enc', value: `${envelope.enc.length} bytes` },
      { name: 'ciphertext', value: `${envelope.ciphertext.length} bytes with tag` },
    ],
    unchecked: ['the wrapped key: only `ronctl kms unwrap` opens it', 'who made it: a wrap envelope is not signed'],
  };
}
