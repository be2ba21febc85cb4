import { describe, expect, test } from 'vitest';
import { loadServerConfig, refuseViolations } from '../../src/config/server-load.ts';
import { refusal } from '../support/refusal.ts';
import { resolveOf, serverSources } from '../support/server-config.ts';

describe('the quickstarts of CONFIG.md', () => {
  test('dev by environment', async () => {
    const { config, origins, warnings } = await loadServerConfig(
      serverSources({
        env: {
          RON_KMS_BIND_ADDR: '127.0.0.1:7441',
          RON_KMS_BACKEND: 'inmem',
          RON_KMS_AMNESIA: '1',
          RON_KMS_PQ_PRODUCE_HYBRID: '1',
          RON_KMS_PQ_VERIFY_MODE: 'or',
          RON_KMS_SIGN_RATE_LIMIT: '200',
        },
      }),
    );
    expect(config).toMatchObject({
      profile: 'dev',
      bind_addr: '127.0.0.1:7441',
      service: { backend: 'inmem', amnesia: true, multi_backends: ['inmem'] },
      pq: { produce_hybrid: true, verify_mode: 'or', rollout_percent: null },
      security: { sign_rate_limit_rps: 200 },
      audit: { dir: '' },
    });
    expect(origins.get('bind_addr')).toBe('RON_KMS_BIND_ADDR');
    expect(origins.get('metrics_addr')).toBe('default');
    expect(warnings).toEqual([]);
  });

  test('macronode by TOML: every value is read, and the hardware backend is refused by name', async () => {
    const { config, violations, origins } = await resolveOf({
      env: { PIN: '1234' },
      files: { '/lib/pkcs11.so': 'x', '/h/tls/cert.pem': 'c', '/h/tls/key.pem': 'k' },
      file: `profile = "macronode"
bind_addr = "0.0.0.0:7441"
max_conns = 2048
[tls]
enabled = true
cert_path = "tls/cert.pem"
key_path = "tls/key.pem"
[service]
backend = "pkcs11"
multi_backends = ["pkcs11", "file"]
[security]
attest_require = "required"
time_skew_tolerance_ms = 1000
[entropy_time]
rng_reseed_interval_ops = 200000
[audit]
sealing = "attested"
[backends.pkcs11]
module_path = "/lib/pkcs11.so"
pin_env = "PIN"
`,
    });
    expect(config).toMatchObject({
      profile: 'macronode',
      max_conns: 2048,
      tls: { cert_path: '/h/tls/cert.pem' },
      security: { attest_require: 'required', time_skew_tolerance_ms: 1000 },
      entropy_time: { rng_reseed_interval_ops: 200_000 },
    });
    expect(origins.get('max_conns')).toBe('/h/ron-kms.toml:3');
    expect(violations.map(({ code, key, origin }) => [code, key, origin])).toEqual([
      ['Unsupported', 'service.backend', '/h/ron-kms.toml:9'],
      ['Unsupported', 'service.multi_backends', '/h/ron-kms.toml:10'],
      ['Unsupported', 'audit.sealing', '/h/ron-kms.toml:17'],
    ]);
  });
});

test('each of several refusals has its next step on a line of its own, the same one once', () => {
  const violation = (key: string, hint: string) =>
    ({ code: 'RefusedConfig', key, origin: 'x', message: key, hint }) as const;
  const all = [violation('a', 'chmod 0600 /a'), violation('b', 'chmod 0600 /b'), violation('c', 'chmod 0600 /b')];
  expect(refusal(() => refuseViolations(all))).toMatchObject({
    code: 'RefusedConfig',
    field: 'a',
    message: 'a; b; c',
    hint: 'chmod 0600 /a\nchmod 0600 /b',
  });
});
