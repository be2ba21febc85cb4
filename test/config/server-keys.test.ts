// CFG-05 to CFG-42 and C-32, word for word: name, variable, flag and default of every documented key.

import { describe, expect, test } from 'vitest';
import { serverFlags } from '../../src/config/server-flags.ts';
import { serverKeys } from '../../src/config/server-keys.ts';
import { toText } from '../../src/config/server-value.ts';

const DOCUMENTED = `
bind_addr RON_KMS_BIND_ADDR --bind 127.0.0.1:0
metrics_addr RON_KMS_METRICS_ADDR --metrics 127.0.0.1:0
max_conns RON_KMS_MAX_CONNS --max-conns 1024
read_timeout RON_KMS_READ_TIMEOUT --read-timeout 5s
write_timeout RON_KMS_WRITE_TIMEOUT --write-timeout 5s
idle_timeout RON_KMS_IDLE_TIMEOUT --idle-timeout 1m
limits.max_body_bytes RON_KMS_MAX_BODY_BYTES - 1MiB
limits.decompress_ratio_cap RON_KMS_DECOMPRESS_RATIO_CAP - 10
tls.enabled RON_KMS_TLS_ENABLED - false
tls.cert_path RON_KMS_TLS_CERT_PATH -
tls.key_path RON_KMS_TLS_KEY_PATH -
service.backend RON_KMS_BACKEND --backend file
service.amnesia RON_KMS_AMNESIA --amnesia false
service.allowed_algs RON_KMS_ALLOWED_ALGS --allowed-algs ed25519,hybrid,hybrid-kem,ml-dsa,ml-kem,slh-dsa,x25519
service.allow_sign_fallback RON_KMS_ALLOW_SIGN_FALLBACK --allow-sign-fallback false
service.multi_backends RON_KMS_MULTI_BACKENDS --multi-backends file
security.attest_require RON_KMS_ATTEST_REQUIRE --attest never
security.sign_rate_limit_rps RON_KMS_SIGN_RATE_LIMIT - 500
security.time_skew_tolerance_ms RON_KMS_TIME_SKEW_TOLERANCE_MS - 2000
entropy_time.rng_reseed_interval_ops RON_KMS_RNG_RESEED_INTERVAL_OPS - 100000
pq.produce_hybrid RON_KMS_PQ_PRODUCE_HYBRID --pq-produce-hybrid unset
pq.verify_mode RON_KMS_PQ_VERIFY_MODE --pq-verify unset
pq.rollout_percent RON_KMS_PQ_ROLLOUT_PERCENT --pq-rollout unset
audit.dir RON_KMS_AUDIT_DIR --audit-dir /h/audit
audit.checkpoint_interval_ops RON_KMS_AUDIT_CHECKPOINT_INTERVAL --audit-checkpoint-ops 5000
audit.sealing RON_KMS_AUDIT_SEALING --audit-sealing software
audit.verify_cache_ttl_ms RON_KMS_VERIFY_CACHE_TTL_MS --verify-cache-ttl 300000
observability.redact_level RON_KMS_REDACT_LEVEL - hashes
observability.log_inputs RON_KMS_LOG_INPUTS - false
observability.correlation_id_mode RON_KMS_CORRELATION_ID_MODE - uuidv7
observability.emit_cache_age_metric RON_KMS_EMIT_CACHE_AGE_METRIC - true
backends.pkcs11.module_path RON_KMS_PKCS11_MODULE_PATH -
backends.pkcs11.slot_label RON_KMS_PKCS11_SLOT_LABEL - RON-KMS
backends.pkcs11.pin_env RON_KMS_PKCS11_PIN_ENV -
backends.file.dir RON_KMS_FILE_DIR - /h/store
backends.file.kdf RON_KMS_FILE_KDF - scrypt
backends.file.aead RON_KMS_FILE_AEAD - chacha20poly1305
observability.log_format RON_KMS_LOG_FORMAT --log-format json
observability.log_level RON_KMS_LOG_LEVEL --log-level info
limits.max_inflight_sign RON_KMS_MAX_INFLIGHT_SIGN - 512
limits.max_inflight_verify RON_KMS_MAX_INFLIGHT_VERIFY - 1024
limits.tenant_share_min RON_KMS_TENANT_SHARE_MIN - 0.05
verify_cache.max_entries RON_KMS_VERIFY_CACHE_MAX - 262144`
  .trim()
  .split('\n')
  .map((line) => line.split(' '));

describe('documented keys', () => {
  test.each(DOCUMENTED)('%s: %s %s', (key, env, flag, value = '') => {
    const row = serverKeys().find((one) => one.key === key)!;
    const byDefault = row.default({ profile: 'dev', amnesia: false, backend: 'file', home: '/h' });
    expect([row.env, row.flag === undefined ? '-' : `--${row.flag}`]).toEqual([env, flag]);
    expect(byDefault === null ? 'unset' : toText(row.type, byDefault)).toBe(value);
  });
});

test('every variable of IDB.md and RUNBOOK.md is an older name of a key', () => {
  const aliases = new Map(serverKeys().flatMap(({ key, aliases: names = [] }) => names.map((name) => [name, key])));
  expect(Object.fromEntries(aliases)).toEqual({
    KMS_BIND: 'bind_addr',
    KMS_API_ADDR: 'bind_addr',
    KMS_METRICS_ADDR: 'metrics_addr',
    KMS_MAX_PAYLOAD: 'limits.max_body_bytes',
    KMS_MAX_INFLIGHT_SIGN: 'limits.max_inflight_sign',
    KMS_MAX_INFLIGHT_VERIFY: 'limits.max_inflight_verify',
    KMS_TENANT_SHARE_MIN: 'limits.tenant_share_min',
    KMS_BACKEND: 'service.backend',
    KMS_AMNESIA: 'service.amnesia',
    KMS_ALLOWED_ALGS: 'service.allowed_algs',
    KMS_ATTEST_REQUIRE: 'security.attest_require',
    KMS_SIGN_RATE_LIMIT: 'security.sign_rate_limit_rps',
    KMS_TIME_SKEW_TOLERANCE_MS: 'security.time_skew_tolerance_ms',
    KMS_RNG_RESEED_INTERVAL_OPS: 'entropy_time.rng_reseed_interval_ops',
    KMS_PQ_PRODUCE_HYBRID: 'pq.produce_hybrid',
    KMS_PQ_VERIFY_MODE: 'pq.verify_mode',
    KMS_PQ_ROLLOUT_PERCENT: 'pq.rollout_percent',
    KMS_VERIFY_CACHE_TTL_MS: 'audit.verify_cache_ttl_ms',
    KMS_VERIFY_CACHE_MAX: 'verify_cache.max_entries',
    KMS_PKCS11_MODULE: 'backends.pkcs11.module_path',
  });
});

test('flags are plain data', () => {
  const flags = serverFlags();
  expect(flags.find(({ name }) => name === 'attest')).toMatchObject({
    key: 'security.attest_require',
    boolean: false,
    options: ['never', 'if-available', 'required'],
  });
  expect(flags.filter((one) => one.boolean).map(({ name }) => name)).toEqual([
    'amnesia',
    'allow-sign-fallback',
    'verify-only',
    'pq-produce-hybrid',
  ]);
});
