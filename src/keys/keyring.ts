// The set of keys of one custody store, as pure functions of public.json (store page 4, keys page 4, 8 and 11): find,
// add a key, add a version, retire, compromise. Version states: `active` (the head), `superseded`, `retired` (private
// half gone), `compromised {from_seq}`. Nothing here decides whether a change is allowed by policy.

import type { KeyMember } from '../crypto/suite.ts';
import { fail } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { type KeyId, requireKeyId, withVersion } from './key-id.ts';
import type { PublicKeyEntry, PublicVersion, PublicView } from './public-view.ts';
import type { Material } from './tracks.ts';

/** What a new version adds to public.json. */
export interface NewVersion extends Material {
  readonly pub: Readonly<Partial<Record<KeyMember, string>>>;
  readonly created_seq: number;
  readonly created_epoch?: number;
  readonly continuity?: string;
}

export function findKey(view: PublicView, kid: string): PublicKeyEntry | null {
  return view.keys.find((key) => key.kid === kid) ?? null;
}

/** Throws NotFound. `id` with or without version. */
export function requireKey(view: PublicView, id: KeyId): PublicKeyEntry {
  return (
    findKey(view, id.kid) ??
    fail('NotFound', `there is no key ${id.kid} in this store`, { hint: 'List the keys with `ronctl kms list`.' })
  );
}

/** The newest version: the only one that signs and wraps. */
export function headOf(key: PublicKeyEntry): PublicVersion {
  return key.versions.at(-1)!;
}

/** Throws NotFound. Without a version in `id`: the head. */
export function requireVersion(key: PublicKeyEntry, id: KeyId): PublicVersion {
  if (id.version === null) return headOf(key);
  return (
    key.versions.find((one) => one.n === id.version) ??
    fail('NotFound', `key ${key.kid} has no version ${id.version}; its newest is ${headOf(key).n}`, {
      hint: `Run \`ronctl kms show ${key.kid}\`.`,
    })
  );
}

/**
 * The version that signs or wraps for `id`. Throws Conflict (superseded), Retired, Compromised. The head of a key whose
 * newest version was retired or compromised refuses too: rotate first.
 */
export function requireHead(key: PublicKeyEntry, id: KeyId): PublicVersion {
  const version = requireVersion(key, id);
  const text = withVersion(key.kid, version.n);
  if (version.state === 'active') return version;
  if (version.state === 'retired') return fail('Retired', `the private half of ${text} is gone`, retiredHint(key));
  if (version.state === 'compromised') {
    return fail('Compromised', `${text} was declared compromised`, { hint: `Run \`ronctl kms rotate ${key.kid}\`.` });
  }
  return fail('Conflict', `${text} is superseded; only the newest version, #v${headOf(key).n}, signs and wraps`, {
    hint: `Use ${withVersion(key.kid, headOf(key).n)}, or the key id without version.`,
  });
}

function retiredHint(key: PublicKeyEntry): { readonly hint: string } {
  if (key.state === 'retired') return { hint: 'Create a new key with `ronctl kms create`.' };
  return { hint: `Use ${withVersion(key.kid, headOf(key).n)}.` };
}

/** Tenants that have a key. */
export function tenantsOf(view: PublicView): ReadonlySet<string> {
  return new Set(view.keys.map((key) => requireKeyId(key.kid, 'keys').tenant));
}

function version(n: number, added: NewVersion): PublicVersion {
  const { tracks, suite, pub, created_seq, created_epoch, continuity } = added;
  return {
    n,
    state: 'active',
    tracks,
    pub,
    created_seq,
    ...(created_epoch === undefined ? {} : { created_epoch }),
    ...(suite === undefined ? {} : { suite }),
    ...(continuity === undefined ? {} : { continuity }),
  };
}

function replace(view: PublicView, key: PublicKeyEntry): PublicView {
  return { ...view, keys: view.keys.map((one) => (one.kid === key.kid ? key : one)) };
}

/** Version 1 of a new key. Throws Conflict when the kid exists. */
export function addKey(view: PublicView, kid: string, added: NewVersion): PublicView {
  if (findKey(view, kid) !== null) fail('Conflict', `the key ${kid} exists already`);
  const entry: PublicKeyEntry = { kid, state: 'active', versions: [version(1, added)] };
  return { ...view, keys: [...view.keys, entry].sort((a, b) => (a.kid < b.kid ? -1 : 1)) };
}

/**
 * Version `n`, which must be the next one: another rotation may have come first (Conflict). An active head becomes
 * superseded, a compromised one stays so.
 */
export function addVersion(view: PublicView, kid: string, n: number, added: NewVersion): PublicView {
  const key = requireKey(view, requireKeyId(kid, 'kid'));
  if (key.state === 'retired') fail('Retired', `the key ${kid} is retired`, retiredHint(key));
  const head = headOf(key);
  if (head.n >= LIMITS.keyVersionMax) fail('LimitReached', `the key ${kid} has reached version ${head.n}`);
  if (n !== head.n + 1) {
    fail('Conflict', `${kid} was rotated meanwhile; its newest version is #v${head.n}`, {
      hint: 'Look, then decide again.',
    });
  }
  const versions = key.versions.map((one) => (one.state === 'active' ? { ...one, state: 'superseded' as const } : one));
  return replace(view, { ...key, versions: [...versions, version(n, added)] });
}

/**
 * The versions that a governed retire of `id` ends. With a version: that one, which must not be the head. Without: all.
 * Throws NotFound, Conflict (the head), Retired (nothing is left to retire).
 */
export function retirable(view: PublicView, id: KeyId): readonly PublicVersion[] {
  const key = requireKey(view, id);
  const named = id.version === null ? key.versions : [requireVersion(key, id)];
  if (id.version !== null && id.version === headOf(key).n) {
    return fail('Conflict', `${withVersion(id.kid, id.version)} is the newest version and cannot be retired alone`, {
      hint: `Rotate first, or retire the whole key: \`ronctl kms retire ${id.kid}\`.`,
    });
  }
  const left = named.filter((one) => one.state !== 'retired');
  if (left.length === 0)
    fail('Retired', `nothing of ${withText(id)} is left to retire`, { hint: 'Nothing is to be done.' });
  return left;
}

/** A version that was compromised keeps `from_seq`: retiring it does not make its signatures good again. */
export function retire(view: PublicView, id: KeyId): PublicView {
  const gone = new Set(retirable(view, id).map((one) => one.n));
  const key = requireKey(view, id);
  const versions = key.versions.map((one) => (gone.has(one.n) ? { ...one, state: 'retired' as const } : one));
  return replace(view, { ...key, state: id.version === null ? 'retired' : key.state, versions });
}

/** The versions that key-compromised of `id` marks. Throws NotFound. */
export function compromisable(view: PublicView, id: KeyId): readonly PublicVersion[] {
  const key = requireKey(view, id);
  return id.version === null ? key.versions : [requireVersion(key, id)];
}

/** A retired version stays retired and gets `from_seq`; a version declared twice keeps the earlier place. */
export function compromise(view: PublicView, id: KeyId, fromSeq: number): PublicView {
  const marked = new Set(compromisable(view, id).map((one) => one.n));
  const key = requireKey(view, id);
  const versions = key.versions.map((one): PublicVersion => {
    if (!marked.has(one.n)) return one;
    const from_seq = one.from_seq === undefined ? fromSeq : Math.min(one.from_seq, fromSeq);
    return { ...one, state: one.state === 'retired' ? 'retired' : 'compromised', from_seq };
  });
  return replace(view, { ...key, versions });
}

function withText(id: KeyId): string {
  return id.version === null ? id.kid : withVersion(id.kid, id.version);
}
