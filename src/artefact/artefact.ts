// What `inspect` says about one file (I-49): its kind, digest and members, what every signature is worth under the keys
// that are known, what was checked, and what could not be. An artefact is explained from its bytes; nothing here decides
// whether a quorum was reached or a key is trusted.

import { fromBase64Url } from '../bytes/base64.ts';
import type { Json, JsonObject } from '../bytes/canonical-json.ts';
import { sha256Hex } from '../crypto/hash.ts';
import type { SignatureAlg } from '../crypto/suite.ts';
import { SIGNATURES } from '../crypto/suite.ts';

export type SignatureVerdict = 'valid' | 'invalid' | 'key unknown';

export interface ArtefactMember {
  /** Path inside the object, e.g. `members[0].role`. */
  readonly name: string;
  /** Untrusted text. */
  readonly value: string;
}

export interface ArtefactSignature {
  /** Which object of the file: empty for the file itself, else a path such as `statements[0]`. */
  readonly object: string;
  readonly keyid: string;
  readonly verdict: SignatureVerdict;
  /** Where the key was found; null when unknown. */
  readonly key_from: string | null;
}

export interface ArtefactCheck {
  readonly what: string;
  readonly ok: boolean;
  /** What was found, when it is not ok. */
  readonly found?: string;
}

export interface Artefact {
  readonly kind: ArtefactKind;
  readonly version: number;
  /** Payload type, or the `type` member. */
  readonly type: string | null;
  /** H of the object, for signed ones; of the proposal inside, for request and proof. */
  readonly digest: string | null;
  /** 12 words of the digest. */
  readonly words: readonly string[] | null;
  readonly members: readonly ArtefactMember[];
  readonly signatures: readonly ArtefactSignature[];
  readonly checks: readonly ArtefactCheck[];
  /** What cannot be known from these bytes. */
  readonly unchecked: readonly string[];
}

/** Every kind that is recognised, with what it is in one line. */
export const ARTEFACT_KINDS = {
  genesis: 'the start of a ledger: members, threshold, keys, policy',
  'genesis draft': 'a genesis that lacks signatures',
  proposal: 'a change that is proposed',
  draft: 'a proposal that waits for evidence',
  request: 'what an approver without network needs',
  statement: 'a vote, or the end of one',
  possession: 'proof that somebody holds a new key',
  receipt: 'what the service says it has executed',
  'signer bundle': 'the public keys of a person',
  proof: 'a portable quorum proof',
  evidence: 'two signed objects that contradict each other',
  'roll-call': 'a sign of life of a signer',
  dispute: 'an objection to records of the log',
  checkpoint: 'the signed head of an audit log',
  'tlog-proof': 'an audit record with its inclusion proof',
  'consistency proof': 'that a log extends an older one; what a witness is asked with',
  'sealed record': 'a secret, sealed under a passphrase; its header is in clear',
  'key object': 'the public half of a key version',
  attestation: 'what a log says of a key and where it lives',
  continuity: 'a link from one key version to the next',
  'signature bundle': 'the signatures of `kms sign`',
  'wrap envelope': 'a key wrapped for a KEM key',
  capability: 'who may ask what of the server; a secret',
  'audit segment': 'records of an audit log',
  'ledger segment': 'lines of a ledger',
  'checkpoint list': 'every checkpoint of a log',
  'home description': 'what a home is',
  'file list': 'digests of the files of a backup, export or evidence',
  'public view': 'what a custody store shows without its passphrase',
  'log description': 'names and keys of an audit log',
  pin: 'which genesis a home trusts',
  'ledger state': 'what replaying a ledger gives',
} as const;

export type ArtefactKind = keyof typeof ARTEFACT_KINDS;

export type ArtefactVerdict = 'nothing invalid' | 'something invalid' | 'key unknown';

/** 10 before 11 before 0. */
export function verdictOf(artefact: Pick<Artefact, 'signatures' | 'checks'>): ArtefactVerdict {
  const invalid =
    artefact.signatures.some((one) => one.verdict === 'invalid') || artefact.checks.some((one) => !one.ok);
  if (invalid) return 'something invalid';
  return artefact.signatures.some((one) => one.verdict === 'key unknown') ? 'key unknown' : 'nothing invalid';
}

export function check(what: string, ok: boolean, found?: string): ArtefactCheck {
  return ok || found === undefined ? { what, ok } : { what, ok, found };
}

const KEY_MEMBERS = new Set<string>([...Object.values(SIGNATURES).map((one) => one.member), 'ml_kem_768', 'x_wing']);

function scalar(value: Json, name: string): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  const bytes = KEY_MEMBERS.has(name) && value.length > 64 ? fromBase64Url(value) : null;
  return bytes === null ? value : `${bytes.length} bytes, SHA-256 ${sha256Hex(bytes)}`;
}

/** Members of an object as path and text, in the order of the file; long public keys by length and hash. */
export function membersOf(value: JsonObject, prefix = ''): ArtefactMember[] {
  const out: ArtefactMember[] = [];
  const walk = (inner: Json, path: string, name: string): void => {
    if (Array.isArray(inner)) {
      const list = inner as readonly Json[];
      if (list.every((one) => one === null || typeof one !== 'object')) {
        out.push({ name: path, value: list.length === 0 ? 'none' : list.map((one) => scalar(one, name)).join(', ') });
        return;
      }
      for (const [index, one] of list.entries()) walk(one, `${path}[${index}]`, name);
      return;
    }
    if (inner !== null && typeof inner === 'object') {
      const entries = Object.entries(inner as JsonObject);
      if (entries.length === 0) out.push({ name: path, value: 'none' });
      for (const [member, one] of entries) walk(one, `${path}.${member}`, member);
      return;
    }
    out.push({ name: path, value: scalar(inner, name) });
  };
  for (const [member, inner] of Object.entries(value)) {
    walk(inner, prefix === '' ? member : `${prefix}.${member}`, member);
  }
  return out;
}

/** A public key that a signature may name, and the object that says so. */
export interface KnownKey {
  readonly keyid: string;
  readonly alg: SignatureAlg;
  readonly publicKey: Uint8Array;
  readonly from: string;
}
