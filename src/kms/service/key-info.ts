// Keys as callers see them: state from public.json, `created_at` and public bytes from the signed key object of each version
// (keys page 10). An object counts when both service signatures verify and its `pub` fits the digests in public.json.

import type { Crypto } from '../../crypto/provider.ts';
import type { DualPublicKeys } from '../../envelope/dual-signature.ts';
import { fail, RonError } from '../../errors.ts';
import { requireKeyId, withVersion } from '../../keys/key-id.ts';
import {
  type KeyObject,
  keyFileName,
  keyObjectDefect,
  parseKeyObject,
  pubDigests,
  sameDigests,
} from '../../keys/key-object.ts';
import { headOf } from '../../keys/keyring.ts';
import type { PublicKeyEntry, PublicVersion } from '../../keys/public-view.ts';
import { componentsOf } from '../../keys/tracks.ts';
import type { KeyInfo, PublicKeysResult, VersionInfo } from '../ports.ts';

/** Where key objects come from. */
export interface KeyFiles {
  readonly serviceKeys: readonly DualPublicKeys[];
  keyFile(name: string): Uint8Array | null;
  /** Objects that were judged already, by the entry that they were judged against; absent in a command. */
  readonly objects?: KeyObjectMemo;
}

export type KeyObjectMemo = WeakMap<PublicVersion, KeyObject>;

/** The authenticated object of a version; null when there is none. Throws Tampered when the one there is not genuine. */
export function readKeyObject(crypto: Crypto, files: KeyFiles, kid: string, version: PublicVersion): KeyObject | null {
  const known = files.objects?.get(version);
  if (known !== undefined) return known;
  const text = withVersion(kid, version.n);
  const name = keyFileName(text, 'pub');
  const bytes = files.keyFile(name);
  if (bytes === null) return null;
  const { envelope, object } = parsed(bytes, name);
  const defect = keyObjectDefect(crypto, envelope, files.serviceKeys);
  if (defect !== null) throw tampered(name, defect);
  if (object.kid !== text) throw tampered(name, `it is the object of ${object.kid}, not of ${text}`);
  if (!sameDigests(pubDigests(object.pub), version.pub))
    throw tampered(name, 'its public keys differ from public.json');
  files.objects?.set(version, object);
  return object;
}

function parsed(bytes: Uint8Array, name: string): ReturnType<typeof parseKeyObject> {
  try {
    return parseKeyObject(bytes, `store/keys/${name}`);
  } catch (error) {
    if (error instanceof RonError && error.code === 'Malformed') {
      throw tampered(name, error.message.replace(`store/keys/${name}: `, '').replace(`store/keys/${name}, `, ''));
    }
    throw error;
  }
}

function tampered(name: string, why: string): RonError {
  return new RonError('Tampered', `store/keys/${name}: ${why}`, {
    hint: 'Keep a copy of the file; any command that unseals the store writes it again; tell the security officer.',
  });
}

function versionInfo(version: PublicVersion, createdAt: string | null): VersionInfo {
  const { n, state, from_seq, tracks, suite, pub, continuity } = version;
  return {
    n,
    state,
    ...(from_seq === undefined ? {} : { from_seq }),
    tracks,
    ...(suite === undefined ? {} : { suite }),
    pub: { ...pub },
    created_at: createdAt,
    ...(continuity === undefined ? {} : { continuity }),
  };
}

/** As a reader sees it. Throws Tampered. */
export function readKeyInfo(crypto: Crypto, files: KeyFiles, key: PublicKeyEntry): KeyInfo {
  return keyInfo(key, (version) => readKeyObject(crypto, files, key.kid, version)?.created_at ?? null);
}

/** Throws Tampered, and NotFound when the object of the version is missing. */
export function publicKeysOf(crypto: Crypto, files: KeyFiles, kid: string, version: PublicVersion): PublicKeysResult {
  const text = withVersion(kid, version.n);
  const object =
    readKeyObject(crypto, files, kid, version) ??
    fail('NotFound', `the key object of ${text} is missing from store/keys`, {
      hint: 'Any command that unseals the store writes it again.',
    });
  const tracks = componentsOf(object).map(({ alg, member }) => ({ alg, publicKey: object.pub[member]! }));
  return { kid: text, tracks };
}

export function keyInfo(key: PublicKeyEntry, createdAt: (version: PublicVersion) => string | null): KeyInfo {
  const id = requireKeyId(key.kid, 'kid');
  return {
    kid: key.kid,
    tenant: id.tenant,
    purpose: id.purpose,
    alg: id.alg,
    state: key.state,
    version: headOf(key).n,
    versions: key.versions.map((version) => versionInfo(version, createdAt(version))),
  };
}
