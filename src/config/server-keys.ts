// Every key of ron-kms.toml (CONFIG.md 3 and 6, service page 6): one row each with its name in the file, type, default,
// variable, flag, registry key and whether a running server may take it over. The parser, the flags of `kms serve`, samples
// and the manual page are made from this table. A row stands under its member of ServerConfig, which has the unit in its
// name.

import { LIMITS } from '../limits.ts';
import type { KeyRow } from '../policy/registry.ts';
import { REGISTRY } from '../policy/registry.ts';
import type { ServerConfig, ServerProfile } from './server-config.ts';
import type { Value, ValueType } from './server-value.ts';
import { SINK_ITEM, SINK_TAKES, SINKS_MAX } from './sinks.ts';

type Leaves<T, Prefix extends string = ''> = {
  [K in keyof T & string]: T[K] extends readonly unknown[]
    ? `${Prefix}${K}`
    : NonNullable<T[K]> extends object
      ? Leaves<T[K], `${Prefix}${K}.`>
      : `${Prefix}${K}`;
}[keyof T & string];

/** Dotted member of ServerConfig. */
export type Member = Leaves<ServerConfig>;

/** What a default may depend on; decided in this order. */
export interface DefaultsOf {
  readonly profile: ServerProfile;
  readonly amnesia: boolean;
  readonly backend: string;
  /** Absolute path of the home. */
  readonly home: string;
}

interface Row {
  /** Dotted name in the file, where it is not the member's. */
  readonly key?: string;
  readonly type: ValueType;
  readonly default: (of: DefaultsOf) => Value;
  readonly env: string;
  /** Deprecated variables with the same meaning. */
  readonly aliases?: readonly string[];
  /** Deprecated names in the file with the same meaning. */
  readonly old?: readonly string[];
  /** Without `--`. */
  readonly flag?: string;
  /** Taken over by a start only: a reload that changes it is refused. */
  readonly disruptive?: true;
  /** Canonical name in the registry of governable keys. */
  readonly registry?: string;
  /** Documented values that do not start, with what to do instead. */
  readonly unsupported?: Readonly<Record<string, string>>;
  /** Says where a secret is: reloads name it without its values. */
  readonly redacted?: true;
  readonly summary: string;
}

export interface ServerKey extends Row {
  readonly key: string;
  readonly member: Member;
}

const integer = (min: number, max: number): ValueType => ({ kind: 'integer', min, max });
const boolean: ValueType = { kind: 'boolean' };
const choice = (...values: string[]): ValueType => ({ kind: 'choice', values });
const socket: ValueType = { kind: 'socket' };
const path: ValueType = { kind: 'path' };
const duration = (min: number, max: number): ValueType => ({ kind: 'duration', min, max });
const size = (min: number, max: number): ValueType => ({ kind: 'size', min, max });
const always = (value: Value) => (): Value => value;

const U32 = 2 ** 32 - 1;
const HOUR = 3_600_000;
const TIB = 2 ** 40;

const BACKEND_NAMES = ['inmem', 'file', 'pkcs11', 'tpm', 'cloud'];
const HARDWARE = 'Use service.backend = "file"; hardware backends are not part of this version.';
const NO_HARDWARE = { pkcs11: HARDWARE, tpm: HARDWARE, cloud: HARDWARE };

function registryRow(key: string): KeyRow {
  return REGISTRY.find((row) => row.key === key)!;
}

/** Type and default as the registry has them. */
function governed(key: string): Pick<Row, 'type' | 'default' | 'registry'> {
  const { type, start } = registryRow(key);
  return {
    registry: key,
    type:
      type.kind === 'set'
        ? { kind: 'list', values: type.values, sorted: true }
        : type.kind === 'text'
          ? { kind: 'text', pattern: type.pattern, what: 'printable ASCII text' }
          : type,
    default: ({ profile }) => start!(profile) as Value,
  };
}

const rows = (): Readonly<Record<Member, Row>> => ({
  profile: {
    type: choice('dev', 'drill', 'micronode', 'macronode'),
    default: always('dev'),
    env: 'RON_KMS_PROFILE',
    flag: 'profile',
    disruptive: true,
    summary: 'profile; where a home or genesis names one, only that',
  },
  bind_addr: {
    type: socket,
    default: always('127.0.0.1:0'),
    env: 'RON_KMS_BIND_ADDR',
    aliases: ['KMS_BIND', 'KMS_API_ADDR'],
    flag: 'bind',
    disruptive: true,
    summary: 'TCP address of the API; port 0 takes a free one',
  },
  metrics_addr: {
    type: socket,
    default: always('127.0.0.1:0'),
    env: 'RON_KMS_METRICS_ADDR',
    aliases: ['KMS_METRICS_ADDR'],
    flag: 'metrics',
    disruptive: true,
    summary: 'address of /metrics, /healthz and /readyz; keep it on loopback',
  },
  max_conns: {
    type: integer(1, 65_536),
    default: always(1024),
    env: 'RON_KMS_MAX_CONNS',
    flag: 'max-conns',
    summary: 'connections at once',
  },
  read_timeout_ms: {
    key: 'read_timeout',
    type: duration(10, HOUR),
    default: always(5000),
    env: 'RON_KMS_READ_TIMEOUT',
    flag: 'read-timeout',
    summary: 'how long a request may take to arrive',
  },
  write_timeout_ms: {
    key: 'write_timeout',
    type: duration(10, HOUR),
    default: always(5000),
    env: 'RON_KMS_WRITE_TIMEOUT',
    flag: 'write-timeout',
    summary: 'how long an answer may take to leave',
  },
  idle_timeout_ms: {
    key: 'idle_timeout',
    type: duration(10, HOUR),
    default: always(60_000),
    env: 'RON_KMS_IDLE_TIMEOUT',
    flag: 'idle-timeout',
    summary: 'how long an unused connection stays open',
  },

  'limits.max_body_bytes': {
    type: size(1024, 2 ** 26),
    default: always(2 ** 20),
    env: 'RON_KMS_MAX_BODY_BYTES',
    aliases: ['KMS_MAX_PAYLOAD'],
    summary: 'largest body; more is 413',
  },
  'limits.decompress_ratio_cap': {
    type: integer(1, 1000),
    default: always(10),
    env: 'RON_KMS_DECOMPRESS_RATIO_CAP',
    summary: 'largest ratio of a compressed body; more is 400',
  },
  'limits.max_inflight_sign': {
    ...governed('limits.max_inflight_sign'),
    env: 'RON_KMS_MAX_INFLIGHT_SIGN',
    aliases: ['KMS_MAX_INFLIGHT_SIGN'],
    summary: 'signatures in flight',
  },
  'limits.max_inflight_verify': {
    ...governed('limits.max_inflight_verify'),
    env: 'RON_KMS_MAX_INFLIGHT_VERIFY',
    aliases: ['KMS_MAX_INFLIGHT_VERIFY'],
    summary: 'verifications in flight',
  },
  'limits.tenant_share_permille': {
    ...governed('limits.tenant_share_min_permille'),
    key: 'limits.tenant_share_min',
    type: { kind: 'permille', min: 1, max: 500, rounded: 'up' },
    env: 'RON_KMS_TENANT_SHARE_MIN',
    aliases: ['KMS_TENANT_SHARE_MIN'],
    summary: 'share of a limit that every tenant is sure of',
  },
  'limits.drain_deadline_ms': {
    key: 'limits.drain_deadline',
    type: duration(0, 60_000),
    default: always(3000),
    env: 'RON_KMS_DRAIN_DEADLINE',
    summary: 'how long work in flight may take at shutdown',
  },
  'limits.checkpoint_deadline_ms': {
    key: 'limits.checkpoint_deadline',
    type: duration(10, 60_000),
    default: always(1000),
    env: 'RON_KMS_CHECKPOINT_DEADLINE',
    summary: 'how long a checkpoint may take before readiness is lost',
  },
  'limits.sign_deadline_ms': {
    key: 'limits.sign_deadline',
    type: duration(10, 60_000),
    default: always(2000),
    env: 'RON_KMS_SIGN_DEADLINE',
    summary: 'deadline of sign',
  },
  'limits.wrap_deadline_ms': {
    key: 'limits.wrap_deadline',
    type: duration(10, 60_000),
    default: always(2000),
    env: 'RON_KMS_WRAP_DEADLINE',
    summary: 'deadline of wrap and unwrap',
  },
  'limits.attest_deadline_ms': {
    key: 'limits.attest_deadline',
    type: duration(10, 60_000),
    default: always(3000),
    env: 'RON_KMS_ATTEST_DEADLINE',
    summary: 'deadline of an attestation refresh',
  },
  'limits.work_sign': {
    type: integer(1, 65_536),
    default: always(512),
    env: 'RON_KMS_WORK_SIGN',
    summary: 'signatures that may wait; more is 429',
  },
  'limits.audit_queue': {
    type: integer(1, LIMITS.auditQueueRecords),
    default: always(2048),
    env: 'RON_KMS_AUDIT_QUEUE',
    summary: 'records that may wait for the log; more is 429, but for authority changes',
  },

  'tls.enabled': {
    type: boolean,
    default: always(false),
    env: 'RON_KMS_TLS_ENABLED',
    disruptive: true,
    summary: 'TLS 1.3 on bind_addr',
  },
  'tls.cert_path': {
    type: path,
    default: always(''),
    env: 'RON_KMS_TLS_CERT_PATH',
    summary: 'certificate chain, PEM',
  },
  'tls.key_path': {
    type: path,
    default: always(''),
    env: 'RON_KMS_TLS_KEY_PATH',
    redacted: true,
    summary: 'private key of the certificate, PEM, mode 0600',
  },
  'tls.pq_only': {
    type: boolean,
    default: always(false),
    env: 'RON_KMS_TLS_PQ_ONLY',
    disruptive: true,
    summary: 'only the group X25519MLKEM768; refuses classical clients',
  },

  'service.backend': {
    type: choice(...BACKEND_NAMES),
    default: ({ amnesia }) => (amnesia ? 'inmem' : 'file'),
    env: 'RON_KMS_BACKEND',
    aliases: ['KMS_BACKEND'],
    flag: 'backend',
    disruptive: true,
    registry: 'service.backend',
    unsupported: NO_HARDWARE,
    summary: 'custody backend; file by default, inmem under amnesia',
  },
  'service.amnesia': {
    ...governed('service.amnesia'),
    env: 'RON_KMS_AMNESIA',
    aliases: ['KMS_AMNESIA'],
    flag: 'amnesia',
    disruptive: true,
    summary: 'keep everything in memory, nothing on disk',
  },
  'service.allowed_algs': {
    ...governed('service.allowed_algs'),
    env: 'RON_KMS_ALLOWED_ALGS',
    aliases: ['KMS_ALLOWED_ALGS'],
    flag: 'allowed-algs',
    summary: 'algorithms that keys may be created with',
  },
  'service.allow_sign_fallback': {
    ...governed('service.allow_sign_fallback'),
    env: 'RON_KMS_ALLOW_SIGN_FALLBACK',
    flag: 'allow-sign-fallback',
    disruptive: true,
    summary: 'sign with another backend; without effect while there is one',
  },
  'service.multi_backends': {
    type: { kind: 'list', values: BACKEND_NAMES, sorted: false },
    default: ({ backend }) => [backend],
    env: 'RON_KMS_MULTI_BACKENDS',
    flag: 'multi-backends',
    disruptive: true,
    unsupported: NO_HARDWARE,
    summary: 'backends in order; this version has one at a time, service.backend',
  },
  'service.genesis_digest': {
    type: { kind: 'text', pattern: /^(?:sha256:[0-9a-f]{64})?$/, what: 'sha256: and 64 lower-case hex digits' },
    default: always(''),
    env: 'RON_KMS_GENESIS_DIGEST',
    disruptive: true,
    summary: 'genesis that an amnesia server is governed by',
  },
  'service.verify_only': {
    type: boolean,
    default: always(false),
    env: 'RON_KMS_VERIFY_ONLY',
    flag: 'verify-only',
    disruptive: true,
    summary: 'verify and read only, never sign',
  },

  'security.attest_require': {
    ...governed('security.attest_require'),
    env: 'RON_KMS_ATTEST_REQUIRE',
    aliases: ['KMS_ATTEST_REQUIRE'],
    flag: 'attest',
    disruptive: true,
    summary: 'whether signing needs a valid attestation',
  },
  'security.attest_classes': {
    ...governed('security.attest_classes'),
    env: 'RON_KMS_ATTEST_CLASSES',
    disruptive: true,
    summary: 'what counts as attestation',
  },
  'security.sign_rate_limit_rps': {
    type: integer(1, 1_000_000),
    default: always(500),
    env: 'RON_KMS_SIGN_RATE_LIMIT',
    aliases: ['KMS_SIGN_RATE_LIMIT'],
    summary: 'signatures a second of this instance; more is 429',
  },
  'security.time_skew_tolerance_ms': {
    type: integer(0, 60_000),
    default: always(2000),
    env: 'RON_KMS_TIME_SKEW_TOLERANCE_MS',
    aliases: ['KMS_TIME_SKEW_TOLERANCE_MS'],
    summary: 'clock difference that is tolerated',
  },
  'entropy_time.rng_reseed_interval_ops': {
    type: integer(1, Number.MAX_SAFE_INTEGER),
    default: always(100_000),
    env: 'RON_KMS_RNG_RESEED_INTERVAL_OPS',
    aliases: ['KMS_RNG_RESEED_INTERVAL_OPS'],
    summary: 'accepted and shown; the generator of the runtime reseeds itself',
  },

  'pq.produce_hybrid': {
    type: boolean,
    default: always(null),
    env: 'RON_KMS_PQ_PRODUCE_HYBRID',
    aliases: ['KMS_PQ_PRODUCE_HYBRID'],
    flag: 'pq-produce-hybrid',
    registry: 'pq.phase',
    summary: 'sign with both tracks; unset follows profile or ledger',
  },
  'pq.verify_mode': {
    type: choice('or', 'and', 'pq_only'),
    default: always(null),
    env: 'RON_KMS_PQ_VERIFY_MODE',
    aliases: ['KMS_PQ_VERIFY_MODE'],
    flag: 'pq-verify',
    registry: 'pq.phase',
    summary: 'which signatures of a bundle must hold; unset follows profile or ledger',
  },
  'pq.rollout_percent': {
    type: integer(0, 100),
    default: always(null),
    env: 'RON_KMS_PQ_ROLLOUT_PERCENT',
    aliases: ['KMS_PQ_ROLLOUT_PERCENT'],
    flag: 'pq-rollout',
    registry: 'pq.rollout_percent',
    summary: 'share of keys inside the cohort; unset follows profile or ledger',
  },
  'pq.legacy_grace_days': {
    ...governed('pq.legacy_grace_days'),
    env: 'RON_KMS_PQ_LEGACY_GRACE_DAYS',
    summary: 'days that older signatures are accepted after a raise',
  },
  'pq.sign_algo': {
    type: choice('ml-dsa', 'slh-dsa'),
    default: always('ml-dsa'),
    env: 'RON_KMS_PQ_SIGN_ALGO',
    disruptive: true,
    summary: 'algorithm of new signing keys without a classical half; a hybrid key always pairs Ed25519 with ML-DSA',
  },

  'keys.rotate_max_days': {
    ...governed('keys.rotate_max_days'),
    env: 'RON_KMS_ROTATE_MAX_DAYS',
    summary: 'age at which a key needs rotation',
  },
  'freeze.max_minutes': {
    ...governed('freeze.max_minutes'),
    env: 'RON_KMS_FREEZE_MAX_MINUTES',
    disruptive: true,
    summary: 'longest freeze',
  },

  'audit.dir': {
    type: path,
    default: ({ backend, home }) => (backend === 'inmem' ? '' : `${home}/audit`),
    env: 'RON_KMS_AUDIT_DIR',
    flag: 'audit-dir',
    disruptive: true,
    summary: 'audit log; the one of the home by default, in memory with backend inmem',
  },
  'audit.checkpoint_interval_ops': {
    type: integer(1, U32),
    default: always(5000),
    env: 'RON_KMS_AUDIT_CHECKPOINT_INTERVAL',
    flag: 'audit-checkpoint-ops',
    summary: 'records after which the log is signed',
  },
  'audit.checkpoint_interval_ms': {
    key: 'audit.checkpoint_interval',
    type: duration(1000, 24 * HOUR),
    default: always(60_000),
    env: 'RON_KMS_AUDIT_CHECKPOINT_PERIOD',
    summary: 'time after which the log is signed',
  },
  'audit.sealing': {
    type: choice('software', 'attested'),
    default: always('software'),
    env: 'RON_KMS_AUDIT_SEALING',
    flag: 'audit-sealing',
    disruptive: true,
    unsupported: { attested: 'Use audit.sealing = "software"; attested sealing needs a hardware backend.' },
    summary: 'what the keys of the log are sealed with',
  },
  'audit.verify_cache_ttl_ms': {
    ...governed('verify_cache.ttl_ms'),
    env: 'RON_KMS_VERIFY_CACHE_TTL_MS',
    aliases: ['KMS_VERIFY_CACHE_TTL_MS'],
    old: ['verify_cache.ttl_ms'],
    flag: 'verify-cache-ttl',
    summary: 'how long a verification may be answered from memory (ms)',
  },
  'audit.min_free_bytes': {
    key: 'audit.min_free',
    type: size(0, TIB),
    default: always(2 ** 30),
    env: 'RON_KMS_AUDIT_MIN_FREE',
    summary: 'free space below which the server is degraded',
  },
  'audit.reserve_bytes': {
    key: 'audit.reserve',
    type: size(2 ** 26, TIB),
    default: always(2 ** 28),
    env: 'RON_KMS_AUDIT_RESERVE',
    summary: 'free space below which only authority changes, freeze and revoke are accepted',
  },
  'audit.tenant_bytes_per_s': {
    type: size(0, TIB),
    default: always(16 * 1024 * 1024),
    env: 'RON_KMS_AUDIT_TENANT_BYTES_PER_S',
    summary: 'log bytes a second that a tenant may cause; 0 is no limit',
  },
  'audit.tlog': {
    type: choice('off', 'hashes', 'full'),
    default: always('off'),
    env: 'RON_KMS_AUDIT_TLOG',
    disruptive: true,
    summary: 'what the tlog listener shows: nothing, checkpoint and hash tiles, or the records too',
  },
  'audit.tlog_addr': {
    type: socket,
    default: always('127.0.0.1:0'),
    env: 'RON_KMS_AUDIT_TLOG_ADDR',
    disruptive: true,
    summary: 'address of the tlog listener',
  },
  'audit.policy_file': {
    type: path,
    default: always(''),
    env: 'RON_KMS_AUDIT_POLICY_FILE',
    disruptive: true,
    summary: 'witness policy whose witnesses are asked to cosign each checkpoint',
  },
  'audit.sinks': {
    type: {
      kind: 'list',
      values: [],
      sorted: false,
      empty: true,
      items: { pattern: SINK_ITEM, what: SINK_TAKES, max: SINKS_MAX },
    },
    default: always([]),
    env: 'RON_KMS_AUDIT_SINKS',
    summary: 'where the log is exported to, each with a name of its own',
  },
  'audit.sink_token_file': {
    type: path,
    default: always(''),
    env: 'RON_KMS_AUDIT_SINK_TOKEN_FILE',
    redacted: true,
    summary: 'file (0600) with the bearer token that HTTP sinks get',
  },
  'audit.sink_ca_file': {
    type: path,
    default: always(''),
    env: 'RON_KMS_AUDIT_SINK_CA_FILE',
    summary: 'PEM file of the CA of HTTPS sinks; those of the system where nothing says otherwise',
  },

  'verify_cache.max_entries': {
    ...governed('verify_cache.max_entries'),
    env: 'RON_KMS_VERIFY_CACHE_MAX',
    aliases: ['KMS_VERIFY_CACHE_MAX'],
    summary: 'verifications kept in memory',
  },
  'caps.max_ttl_s': {
    ...governed('caps.max_ttl_s'),
    env: 'RON_KMS_CAPS_MAX_TTL_S',
    summary: 'longest life of a capability, in seconds',
  },
  'caps.max_active': {
    ...governed('caps.max_active'),
    env: 'RON_KMS_CAPS_MAX_ACTIVE',
    summary: 'live capabilities of a tenant',
  },
  'caps.mint_per_min': {
    ...governed('caps.mint_per_min'),
    env: 'RON_KMS_CAPS_MINT_PER_MIN',
    summary: 'capabilities minted a minute for a tenant',
  },

  'observability.redact_level': {
    type: choice('none', 'lengths', 'hashes'),
    default: always('hashes'),
    env: 'RON_KMS_REDACT_LEVEL',
    summary: 'how inputs are shown in logs',
  },
  'observability.log_inputs': {
    type: boolean,
    default: always(false),
    env: 'RON_KMS_LOG_INPUTS',
    summary: 'log inputs as redact_level says; never in micronode and macronode',
  },
  'observability.correlation_id_mode': {
    type: choice('uuidv4', 'uuidv7'),
    default: always('uuidv7'),
    env: 'RON_KMS_CORRELATION_ID_MODE',
    summary: 'form of correlation ids',
  },
  'observability.emit_cache_age_metric': {
    type: boolean,
    default: always(true),
    env: 'RON_KMS_EMIT_CACHE_AGE_METRIC',
    summary: 'export the age of the verify cache',
  },
  'observability.log_format': {
    type: choice('json', 'text'),
    default: always('json'),
    env: 'RON_KMS_LOG_FORMAT',
    flag: 'log-format',
    summary: 'form of log lines',
  },
  'observability.log_level': {
    type: choice('trace', 'debug', 'info', 'warn', 'error'),
    default: always('info'),
    env: 'RON_KMS_LOG_LEVEL',
    flag: 'log-level',
    summary: 'least severe log line',
  },

  'backends.file.dir': {
    type: path,
    default: ({ home }) => `${home}/store`,
    env: 'RON_KMS_FILE_DIR',
    disruptive: true,
    registry: 'backends.file.dir',
    summary: 'sealed store; the one of the home by default',
  },
  'backends.file.kdf': {
    type: choice('scrypt', 'age'),
    default: always('scrypt'),
    env: 'RON_KMS_FILE_KDF',
    disruptive: true,
    registry: 'backends.file.kdf',
    unsupported: { age: 'Use backends.file.kdf = "scrypt"; age recipients are not part of this version.' },
    summary: 'how the root key is sealed',
  },
  'backends.file.aead': {
    type: choice('chacha20poly1305', 'aes-gcm'),
    default: always('chacha20poly1305'),
    env: 'RON_KMS_FILE_AEAD',
    disruptive: true,
    registry: 'backends.file.aead',
    summary: 'cipher of sealed records',
  },
  'backends.file.passphrase_file': {
    type: path,
    default: always(''),
    env: 'RON_KMS_FILE_PASSPHRASE_FILE',
    disruptive: true,
    redacted: true,
    summary: 'file (0600) with the passphrase of the store',
  },
  'backends.pkcs11.module_path': {
    type: path,
    default: always(''),
    env: 'RON_KMS_PKCS11_MODULE_PATH',
    aliases: ['KMS_PKCS11_MODULE'],
    disruptive: true,
    registry: 'backends.pkcs11.module_path',
    summary: 'PKCS#11 module; must exist with backend pkcs11',
  },
  'backends.pkcs11.slot_label': {
    type: { kind: 'text', pattern: /^[\x20-\x7e]{0,64}$/, what: 'at most 64 printable ASCII characters' },
    default: always('RON-KMS'),
    env: 'RON_KMS_PKCS11_SLOT_LABEL',
    disruptive: true,
    registry: 'backends.pkcs11.slot_label',
    summary: 'label of the PKCS#11 slot',
  },
  'backends.pkcs11.pin_env': {
    type: { kind: 'text', pattern: /^(?:[A-Za-z_][A-Za-z0-9_]{0,127})?$/, what: 'the name of a variable' },
    default: always(''),
    env: 'RON_KMS_PKCS11_PIN_ENV',
    disruptive: true,
    redacted: true,
    summary: 'name of the variable that holds the PIN; the PIN itself is in no file',
  },
  'crypto.provider': {
    type: choice('native', 'noble'),
    default: always('native'),
    env: 'RON_KMS_CRYPTO_PROVIDER',
    disruptive: true,
    summary: 'implementation of the algorithms; noble to cross-check in dev and drill',
  },
});

let table: readonly ServerKey[] | undefined;

/** Every key in the order of the file. */
export function serverKeys(): readonly ServerKey[] {
  table ??= Object.entries(rows()).map(([member, row]) => ({
    ...row,
    member: member as Member,
    key: row.key ?? member,
  }));
  return table;
}

/** The row of a dotted name of the file (current names only). */
export function serverKey(key: string): ServerKey | undefined {
  return serverKeys().find((row) => row.key === key);
}

export function memberRow(member: Member): ServerKey {
  return serverKeys().find((row) => row.member === member)!;
}
