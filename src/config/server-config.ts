// The effective configuration of `ronctl kms serve` (service page 6), after merging and checks: one value for every key of
// ron-kms.toml, in the units of its name. Where each value came from is in `origins`.

export type ServerProfile = 'dev' | 'drill' | 'micronode' | 'macronode';

/** Flag, environment, file or built-in default, as text: `--bind`, `RON_KMS_BIND_ADDR`, `ron-kms.toml:3`, `default`. */
export type Origins = ReadonlyMap<string, string>;

export interface ServerConfig {
  readonly profile: ServerProfile;
  /** `host:port`; port 0 = any. */
  readonly bind_addr: string;
  readonly metrics_addr: string;
  readonly max_conns: number;
  readonly read_timeout_ms: number;
  readonly write_timeout_ms: number;
  readonly idle_timeout_ms: number;
  readonly limits: {
    readonly max_body_bytes: number;
    readonly decompress_ratio_cap: number;
    readonly max_inflight_sign: number;
    readonly max_inflight_verify: number;
    /** Thousandths of the cap that each tenant is sure of. */
    readonly tenant_share_permille: number;
    readonly drain_deadline_ms: number;
    readonly checkpoint_deadline_ms: number;
    readonly sign_deadline_ms: number;
    readonly wrap_deadline_ms: number;
    readonly attest_deadline_ms: number;
    readonly work_sign: number;
    readonly audit_queue: number;
  };
  readonly tls: {
    readonly enabled: boolean;
    /** Absolute path or empty. */
    readonly cert_path: string;
    readonly key_path: string;
    /** Only X25519MLKEM768. */
    readonly pq_only: boolean;
  };
  readonly service: {
    readonly backend: 'inmem' | 'file';
    readonly amnesia: boolean;
    readonly allowed_algs: readonly string[];
    readonly allow_sign_fallback: boolean;
    readonly multi_backends: readonly string[];
    readonly genesis_digest: string;
    /** Never signs; needs no quorum (C-54). */
    readonly verify_only: boolean;
  };
  readonly security: {
    readonly attest_require: 'never' | 'if-available' | 'required';
    /** What satisfies `required`. */
    readonly attest_classes: readonly string[];
    readonly sign_rate_limit_rps: number;
    readonly time_skew_tolerance_ms: number;
  };
  readonly entropy_time: { readonly rng_reseed_interval_ops: number };
  readonly pq: {
    /** Null where neither file, environment nor flag says so: the profile or ledger decides. */
    readonly produce_hybrid: boolean | null;
    readonly verify_mode: 'or' | 'and' | 'pq_only' | null;
    readonly rollout_percent: number | null;
    readonly legacy_grace_days: number;
    /** Micronode overlay. */
    readonly sign_algo: 'ml-dsa' | 'slh-dsa';
  };
  readonly keys: { readonly rotate_max_days: number };
  readonly freeze: { readonly max_minutes: number };
  readonly audit: {
    /** Absolute; the home's `audit` where nothing says otherwise, empty with backend inmem. */
    readonly dir: string;
    readonly checkpoint_interval_ops: number;
    readonly checkpoint_interval_ms: number;
    readonly sealing: 'software' | 'attested';
    readonly verify_cache_ttl_ms: number;
    readonly min_free_bytes: number;
    readonly reserve_bytes: number;
    readonly tenant_bytes_per_s: number;
    readonly tlog: 'off' | 'hashes' | 'full';
    readonly tlog_addr: string;
    /** Absolute path of a witness policy, or empty. */
    readonly policy_file: string;
    /** `NAME=TARGET`, as config/sinks.ts reads it. */
    readonly sinks: readonly string[];
    /** Empty: none. */
    readonly sink_token_file: string;
    readonly sink_ca_file: string;
  };
  readonly verify_cache: { readonly max_entries: number };
  readonly caps: { readonly max_ttl_s: number; readonly max_active: number; readonly mint_per_min: number };
  readonly observability: {
    readonly redact_level: 'none' | 'lengths' | 'hashes';
    readonly log_inputs: boolean;
    readonly correlation_id_mode: 'uuidv4' | 'uuidv7';
    readonly emit_cache_age_metric: boolean;
    readonly log_format: 'json' | 'text';
    readonly log_level: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  };
  readonly backends: {
    readonly file: {
      /** Absolute; the home's `store` where nothing says otherwise. */
      readonly dir: string;
      readonly kdf: 'scrypt';
      readonly aead: 'chacha20poly1305' | 'aes-gcm';
      readonly passphrase_file: string;
    };
    /** Read and checked, so that a configuration can be prepared; the backend itself refuses to start. */
    readonly pkcs11: { readonly module_path: string; readonly slot_label: string; readonly pin_env: string };
  };
  readonly crypto: { readonly provider: 'native' | 'noble' };
}

export interface LoadedServerConfig {
  readonly config: ServerConfig;
  readonly origins: Origins;
  /** Absolute path of the file that was read; null = defaults. */
  readonly file: string | null;
  /** Deprecated names that were used, and the like; one line each. */
  readonly warnings: readonly string[];
}
