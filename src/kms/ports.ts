// The custody service as commands see it (service page 1, I-06): small interfaces, implemented in-process
// (kms/service/*) and later by the HTTP client. Every method is `(request, call)`. A refusal is a RonError. Signed objects
// cross as bytes.

import type { ErrorCode } from '../errors.ts';
import type { OnProgress } from '../host.ts';
import type { SignatureBundle } from '../keys/bundle.ts';
import type { CreationAlg } from '../keys/tracks.ts';
import type { LogFields } from '../kms-api/log-fields.ts';

export type Uuid = string;

export type Caller =
  | { readonly kind: 'local'; readonly uid: number; readonly login: string }
  | {
      readonly kind: 'capability';
      readonly root: number;
      readonly id: string;
      readonly tenants: readonly string[];
      readonly scopes: readonly string[];
      /** The bearer's standing name, when the token has one. */
      readonly sub?: string;
      /** What the caveats leave, all of them intersected; absent = not narrowed. */
      readonly narrowed?: Narrowed;
      /** The capability as it stands now; only in the process that authenticated it. */
      readonly live?: LiveCapability;
    }
  | { readonly kind: 'system' };

/** A bearer's capability between its authentication and the end of the call. */
export interface LiveCapability {
  /** Throws NoCapability when it has expired, was revoked, or was spent by another operation meanwhile. */
  check(opId: Uuid): void;
  /** For streams: as `check` of the capability as it was minted; what was appended for one request does not end its answer. */
  stands(): void;
  /** The operation is about to be recorded: spends a one-time capability. Throws NoCapability when another was first. */
  use(opId: Uuid): void;
}

/** Narrowings of a capability beyond tenant and scope (service page 2). */
export interface Narrowed {
  readonly algs?: readonly string[];
  readonly purposes?: readonly string[];
  /** Exact, with or without version. */
  readonly kid?: string;
  /** Requests per second of this (root, id). */
  readonly rps?: number;
  /** The op_id that the request must carry. */
  readonly nonce?: string;
  /** Spent by its first use: the actor of the operation's record. */
  readonly once?: boolean;
  /** Each list must have a path that the request's begins with, in whole decoded segments (capability/paths.ts). */
  readonly paths?: readonly (readonly (readonly string[])[])[];
  /** RFC 3339 UTC ms. */
  readonly expiresAt: string;
}

export interface Call {
  readonly caller: Caller;
  /** v4 or v7 from a client. */
  readonly opId: Uuid;
  /** The caller named the opId, so it may be a repetition: the log is asked for an earlier result (log page 4.10). */
  readonly repeatable?: boolean;
  readonly corrId: Uuid;
  readonly signal: AbortSignal;
  /** Run every check, write nothing, append nothing. */
  readonly dryRun?: boolean;
  readonly onProgress?: OnProgress;
  /** Told what holds from now on although the call has not ended: an answer at its deadline says it. */
  readonly holds?: (what: string) => void;
  /** Where this call stands in its request; absent in-process. */
  readonly span?: Span;
  /**
   * Fairness, queue and rate: called once, after authorisation, policy and the look-up of op_id, before the work. Resolves
   * with a function that gives the place back. Throws Busy. Absent in-process.
   */
  readonly admit?: (work: Work, tenant: string) => Promise<() => void>;
}

/** A place in the tree of one request (OBS-31..34): from the transport down to the backend, made by kms/span.ts. */
export interface Span {
  /** What every log line below repeats: corr_id, request_id, peer_addr, route. */
  readonly fields: LogFields;
  child(name: SpanName, fields?: LogFields): Span;
  /** Once. */
  end(fields?: LogFields): void;
}

export type SpanName =
  | `svc.kms.${'http' | 'sign' | 'verify' | 'wrap' | 'unwrap' | 'rotate' | 'create' | 'attest' | 'checkpoint'}`
  | `svc.kms.${'audit.append' | 'audit.checkpoint' | 'attest.refresh' | 'governance' | 'capability'}`
  /** Written as `backend.file.sign`, with the name of the backend in force. */
  | `backend.${'sign' | 'unwrap'}`;

/** What is limited in flight. */
export type Work = 'sign' | 'verify' | 'wrap' | 'mutate' | 'read';

export interface VersionInfo {
  readonly n: number;
  readonly state: string;
  readonly from_seq?: number;
  readonly tracks: readonly string[];
  readonly suite?: number;
  /** Key member to lower hex SHA-256 of the public key. */
  readonly pub: Readonly<Record<string, string>>;
  readonly created_at: string | null;
  readonly continuity?: string;
}

export interface KeyInfo {
  readonly kid: string;
  readonly tenant: string;
  readonly purpose: string;
  readonly alg: string;
  readonly state: 'active' | 'retired';
  /** Head version. */
  readonly version: number;
  readonly attestation_class?: string;
  readonly versions: readonly VersionInfo[];
}

/** How far the answer of a reader is authenticated. */
export type Trust = 'authenticated' | 'local' | 'not-authenticated';

export interface CreateRequest {
  readonly tenant: string;
  readonly purpose: string;
  readonly alg: CreationAlg;
  readonly suite?: 1 | 2;
  readonly newTenant?: boolean;
  /** `policy_hints.rotate_days` (1..90): rotate earlier than the policy asks. */
  readonly rotateDays?: number;
}

export interface CreateResult {
  /** `<kid>#v<N>` */
  readonly kid: string;
  /** Null in a dry run: nothing was made. */
  readonly key: KeyInfo | null;
  readonly op_id: Uuid;
  /** The recorded result of an earlier call with this op_id. */
  readonly replayed: boolean;
  readonly audit: { readonly origin: string; readonly index: number } | null;
}

export interface RotateResult extends CreateResult {
  readonly previous: number;
  readonly continuity: string | null;
}

/** What is known of where a key lives (GAP-45): `software` until hardware exists. Evidence is opaque text or null. */
export interface Attestation {
  readonly class: string;
  readonly evidence: string | null;
}

export interface SignRequest {
  /** One kid, or 1..16 kids of one tenant. */
  readonly kids: readonly string[];
  readonly payload_b3: string;
  readonly produce_hybrid?: boolean;
}

export interface SignResult {
  /** Null in a dry run: nothing was signed. */
  readonly bundle: SignatureBundle | null;
  /** `<kid>#v<N>` that signs. */
  readonly kid: string;
  /** As in the signed message. */
  readonly algs: string;
  readonly attestation?: Attestation;
  readonly op_id: Uuid;
  readonly audit: { readonly origin: string; readonly index: number } | null;
}

export interface VerifyRequest {
  readonly bundle: SignatureBundle;
  readonly payload_b3: string;
  /** A tlog-proof of the `sign` record, where the log is not at hand. */
  readonly proof?: Uint8Array;
  /** A key object file, instead of the keys that the service knows. */
  readonly keyObject?: Uint8Array;
  /** What the caller calls `proof` and `keyObject` in errors, such as their file names. */
  readonly names?: { readonly proof?: string; readonly keyObject?: string };
  /** A mode that tightens the one in force; a looser one changes nothing. */
  readonly mode?: 'or' | 'and' | 'pq_only';
  /** Appends a `verify` record. */
  readonly audit?: boolean;
}

/** Two answers (I-15): each signature for ever, and whether the mode in force now accepts the bundle. */
export interface VerifyResult {
  readonly kid: string;
  readonly signatures: readonly { readonly alg: string; readonly valid: boolean; readonly reason?: string }[];
  readonly accepted: boolean;
  /** Where the state of the key version comes from. */
  readonly state: 'authenticated' | 'not authenticated';
  /** That it was judged with: the one in force, or a tighter one that was asked for. Null where there is neither. */
  readonly required_mode: string | null;
  readonly satisfied_mode: string | null;
  /** The mode in force accepts it; the tighter one that was asked for does not. */
  readonly by_asked_mode?: true;
  readonly legacy?: 'proven' | 'unproven';
  /** A `verify` record was appended. */
  readonly audited: boolean;
  readonly trust: Trust;
  /** The code that the exit status follows (keys page 6), or null when accepted. */
  readonly refusal: ErrorCode | null;
  readonly reason?: string;
  /** Age of the key material that the answer came from, when it came from a cache. */
  readonly cache_age_ms?: number;
}

export interface WrapRequest {
  readonly kid: string;
  /** 16..64 bytes, or `size` to make a random key that only unwrap returns. */
  readonly plaintext?: Uint8Array;
  readonly size?: number;
  /** What the caller expects of the key; a mode that the version does not do is Unsupported. */
  readonly kemMode?: 'hybrid' | 'x25519' | 'ml-kem';
}

export interface WrapResult {
  /** Null in a dry run: nothing was wrapped. */
  readonly envelope: Uint8Array | null;
  readonly kid: string;
  readonly suite: number;
  readonly op_id: Uuid;
}

export interface UnwrapRequest {
  readonly kid: string;
  readonly envelope: Uint8Array;
}

export interface UnwrapResult {
  /** Null in a dry run: the record that must come first was not written. The caller wipes it. */
  readonly plaintext: Uint8Array | null;
  readonly kid: string;
  readonly suite: number;
  readonly op_id: Uuid;
}

export interface NeedsRotationResult {
  /** `<kid>#v<N>` of the newest version. */
  readonly kid: string;
  readonly answer: 'yes' | 'no' | 'unknown';
  readonly created_at: string | null;
  readonly age_days: number | null;
  readonly limit_days: number;
  readonly reason?: string;
  readonly trust: Trust;
}

export interface ContinuityRequest {
  /** The newer version; without version the newest. */
  readonly kid: string;
  /** A statement from elsewhere, to be judged instead of the one in the store. */
  readonly statement?: Uint8Array;
}

export interface ContinuityResult {
  readonly verdict: 'valid' | 'inconclusive' | 'tampered';
  readonly attested_by: 'keys and service' | 'service';
  readonly old_kid: string;
  readonly new_kid: string;
  readonly digest: string;
  readonly reason?: string;
  /** `tampered` by two successors of one version: H of the statement that the log names. */
  readonly other_digest?: string;
  readonly trust: Trust;
}

/** Public keys of one version, authenticated; one per component of the key (an X-Wing key is one). */
export interface PublicKeysResult {
  /** `<kid>#v<N>` */
  readonly kid: string;
  readonly tracks: readonly { readonly alg: string; readonly publicKey: Uint8Array }[];
}

export interface Keys {
  create(request: CreateRequest, call: Call): Promise<CreateResult>;
  rotate(request: { readonly kid: string }, call: Call): Promise<RotateResult>;
  /** With all its versions, also when `kid` names one of them. NotFound, also for a version that is not there. */
  get(request: { readonly kid: string }, call: Call): Promise<{ readonly key: KeyInfo; readonly trust: Trust }>;
  list(
    request: { readonly tenant?: string },
    call: Call,
  ): Promise<{ readonly keys: readonly KeyInfo[]; readonly trust: Trust }>;
  /** Of the version named, else of the newest. For holders of kms:read or kms:rotate. NotFound. */
  publicKeys(request: { readonly kid: string }, call: Call): Promise<PublicKeysResult>;
  needsRotation(
    request: { readonly kid: string; readonly withinMs?: number },
    call: Call,
  ): Promise<NeedsRotationResult>;
  continuity(request: ContinuityRequest, call: Call): Promise<ContinuityResult>;
  /** Only the execution of a governed key-retire retires a key; every caller of this gets PolicyRefused. */
  retire(request: { readonly kid: string }, call: Call): Promise<never>;
}

export interface Signing {
  sign(request: SignRequest, call: Call): Promise<SignResult>;
  verify(request: VerifyRequest, call: Call): Promise<VerifyResult>;
}

export interface Wrapping {
  wrap(request: WrapRequest, call: Call): Promise<WrapResult>;
  unwrap(request: UnwrapRequest, call: Call): Promise<UnwrapResult>;
}
