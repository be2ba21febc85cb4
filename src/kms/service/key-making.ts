// The private side of a new key version (keys page 2, 4, 8): secrets of independent origin for each track, their public
// halves, the sealed record and the signed key object. The same component key never stands in two versions.

import type { Crypto } from '../../crypto/provider.ts';
import type { DualSigningKeys } from '../../envelope/dual-signature.ts';
import { keyFileName, pubDigests, signKeyObject } from '../../keys/key-object.ts';
import { type KeyVersion, type OpenKeyVersion, sealedKeyVersion } from '../../keys/key-record.ts';
import type { NewVersion } from '../../keys/keyring.ts';
import type { PublicVersion } from '../../keys/public-view.ts';
import { componentsOf, type Material } from '../../keys/tracks.ts';
import type { CommitPlace, Mutation, SealedPut } from '../../storage/custody-port.ts';

export type KeyFile = NonNullable<Mutation['keyFiles']>[number];

/** Fresh secrets for `material`. The caller wipes `secrets`. */
export async function generateVersion(
  crypto: Crypto,
  kidWithVersion: string,
  material: Material,
  created_at: string,
  rotate_days: number | undefined,
): Promise<OpenKeyVersion> {
  const secrets: Uint8Array[] = [];
  const pub: Record<string, Uint8Array> = {};
  for (const component of componentsOf(material)) {
    if (component.use === 'kem') {
      const kem = crypto.kem(component.alg);
      const secret = await kem.generate();
      secrets.push(secret);
      pub[component.member] = await kem.publicKey(secret);
      continue;
    }
    const scheme = crypto.signature(component.alg);
    const secret = await scheme.generate();
    secrets.push(secret);
    const key = await scheme.importSecret(secret);
    pub[component.member] = key.publicKey;
    key.destroy();
  }
  return {
    ...material,
    kid: kidWithVersion,
    created_at,
    pub,
    secrets,
    ...(rotate_days === undefined ? {} : { rotate_days }),
  };
}

export function sealedPut(version: OpenKeyVersion): SealedPut {
  return { id: version.kid, type: 'key-version', ...sealedKeyVersion(version) };
}

/** The key object of a version in a state, as a file of store/keys/. */
export async function keyObjectFile(
  crypto: Crypto,
  service: DualSigningKeys,
  version: KeyVersion,
  state: Pick<PublicVersion, 'state' | 'from_seq'>,
): Promise<KeyFile> {
  const { kid, tracks, suite, pub, created_at, rotate_days } = version;
  const object = {
    kid,
    tracks,
    pub,
    created_at,
    state: state.state,
    ...(suite === undefined ? {} : { suite }),
    ...(rotate_days === undefined ? {} : { rotate_days }),
    ...(state.from_seq === undefined ? {} : { from_seq: state.from_seq }),
  };
  return { name: keyFileName(kid, 'pub'), bytes: await signKeyObject(crypto, object, service) };
}

/** What the version adds to public.json. */
export function publicPart(
  version: KeyVersion,
  { seq, epoch }: Pick<CommitPlace, 'seq' | 'epoch'>,
  continuity?: string,
): NewVersion {
  return {
    tracks: version.tracks,
    ...(version.suite === undefined ? {} : { suite: version.suite }),
    pub: pubDigests(version.pub),
    created_seq: seq,
    ...(epoch === 0 ? {} : { created_epoch: epoch }),
    ...(continuity === undefined ? {} : { continuity }),
  };
}

/** `tracks, suite?, pub` of a create or rotate record. */
export function auditPart(version: KeyVersion): { tracks: string[]; suite?: number; pub: Record<string, string> } {
  return {
    tracks: [...version.tracks],
    ...(version.suite === undefined ? {} : { suite: version.suite }),
    pub: pubDigests(version.pub),
  };
}
