// The fields of a log line (OBS-26, OBS-27, OBS-33, QTM-22, MQ-24, MS-14), in their order on the line. What is not here
// does not get into the log: no token, payload, secret or passphrase, and no kid, which becomes kid_hash and kid_version.

/**
 * `plain`: as it is, with what looks like a kid or a secret taken out. `digest`: hex or `alg:hex`, as it is. `input`: sent by
 * the caller, shown as observability.redact_level says, and only with observability.log_inputs.
 */
export type FieldKind = 'plain' | 'digest' | 'input';

const field = (kind: FieldKind, meaning: string): { readonly kind: FieldKind; readonly meaning: string } => ({
  kind,
  meaning,
});

export const LOG_FIELDS = {
  corr_id: field('plain', 'correlation id of the request, a UUID'),
  request_id: field('plain', 'id of this request, r-...'),
  peer_addr: field('plain', 'address of the peer, when known'),
  tenant: field('plain', 'tenant, _instance for the instance'),
  route: field('plain', 'the path with {kid} and {id} in place of values'),
  op_id: field('plain', 'the operation, a UUID'),
  kid_hash: field('plain', 'first 8 hex of BLAKE3 of the kid'),
  kid_version: field('plain', 'version of the key'),
  alg: field('plain', 'algorithm or tracks'),
  result: field('plain', 'ok or err'),
  latency_ms: field('plain', 'time of the operation'),
  attestation_class: field('plain', 'what attests the backend'),
  attestation_required: field('plain', 'true where signing depends on it'),
  cache_age_ms: field('plain', 'age of the material that verify answered from'),
  reason: field('plain', 'the label of the metric rejected_total'),
  code: field('plain', 'error code of the table in ronctl(1)'),
  message: field('plain', 'what happened, in words'),
  method: field('plain', 'GET or POST'),
  status: field('plain', 'HTTP status'),
  body_bytes: field('plain', 'length of a body'),
  payload_b3: field('input', 'digest of the payload'),
  input_bytes: field('plain', 'length of what was given'),
  backend: field('plain', 'custody backend'),
  pq: field('plain', 'off, hybrid or pq-only'),
  pq_mode: field('plain', 'or, and, pq_only'),
  algo: field('plain', 'key exchange or signature algorithm of a session'),
  peer_mode: field('plain', 'what the peer offered'),
  downgrade_reason: field('plain', 'why a session is less than hybrid'),
  cap_id: field('plain', 'id of the capability, never the token'),
  cap_root: field('plain', 'number of the capability root'),
  scopes: field('plain', 'scopes of a capability'),
  caller: field('plain', 'local, capability or system'),
  proposal_id: field('plain', 'proposal'),
  scope: field('plain', 'global or tenant:NAME'),
  key: field('plain', 'governed or configured key'),
  changed: field('plain', 'names that a reload changed'),
  ledger_seq: field('plain', 'newest entry of the ledger'),
  audit_index: field('plain', 'number of the record'),
  audit_size: field('plain', 'records under the checkpoint'),
  origin: field('plain', 'origin of the log'),
  root: field('digest', 'root hash of a checkpoint'),
  config_sha256: field('digest', 'digest of the effective configuration'),
  missing: field('plain', 'keys of /readyz that are missing'),
  degraded: field('plain', 'keys of /readyz that are degraded'),
  ready: field('plain', '1 or 0'),
  queue: field('plain', 'a queue of the service'),
  task: field('plain', 'a part of the service'),
  attempt: field('plain', 'number of an attempt'),
  count: field('plain', 'how many'),
  age_s: field('plain', 'an age'),
  left_days: field('plain', 'days left'),
  deadline_ms: field('plain', 'a deadline'),
  addr: field('plain', 'an address of a listener'),
  metrics_addr: field('plain', 'address of the metrics listener'),
  tlog_addr: field('plain', 'address of the published log'),
  socket: field('plain', 'path of the Unix socket'),
  file: field('plain', 'path of a file of the operator'),
  profile: field('plain', 'profile of the instance'),
  governed: field('plain', 'true under a genesis'),
  version: field('plain', 'version of the package'),
  wire: field('plain', 'version of the wire contract'),
  pid: field('plain', 'process'),
  signal: field('plain', 'a signal that came'),
  state: field('plain', 'a state that began'),
  heap_bytes: field('plain', 'heap in use'),
  resident_bytes: field('plain', 'resident memory'),
  span: field('plain', 'name of a span'),
  span_id: field('plain', 'a span'),
  parent_id: field('plain', 'the span around it'),
  error_kind: field('plain', 'operator, external, bug or cancelled'),
  dropped: field('plain', 'how many fields of this line were left out because the table does not have them'),
} as const satisfies Readonly<Record<string, { readonly kind: FieldKind; readonly meaning: string }>>;

export type LogField = keyof typeof LOG_FIELDS;
export type LogValue = string | number | boolean | null | undefined | readonly string[];

/** `kid` is taken with or without version and becomes kid_hash and kid_version. */
export type LogFields = { readonly [K in Exclude<LogField, 'dropped'> | 'kid']?: LogValue };

/** The documented events (OBS-28, OBS-29); others are named likewise. */
export const LOG_EVENTS: readonly string[] = [
  'sign_request',
  'sign_result',
  'verify_request',
  'verify_result',
  'rotate_request',
  'rotate_result',
  'audit_append',
  'audit_checkpoint_ok',
  'audit_checkpoint_failed',
  'attestation_refresh_ok',
  'attestation_refresh_failed',
  'backend_session_up',
  'backend_session_down',
  'readyz_false',
  'readyz_true',
  'config_updated',
];
