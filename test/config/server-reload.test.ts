import { describe, expect, test } from 'vitest';
import { checkDetail } from '../../src/audit/ops.ts';
import { configSha256, reloadOf } from '../../src/config/server-reload.ts';
import { resolveOf } from '../support/server-config.ts';

describe('a reload', () => {
  test('of the same changes nothing', async () => {
    const [before, after] = [await resolveOf({}), await resolveOf({})];
    expect(reloadOf(before, after)).toEqual({
      changed: [],
      diff: [],
      disruptive: [],
      config_sha256: configSha256(before.config),
    });
  });

  test('names changed keys with values and origin, and what waits for a start', async () => {
    const before = await resolveOf({});
    const after = await resolveOf({
      file: 'read_timeout = "2s"\nbind_addr = "127.0.0.1:7441"\n[pq]\nverify_mode = "and"\n[limits]\ntenant_share_min = 0.1\n',
    });
    expect(reloadOf(before, after)).toMatchObject({
      changed: ['bind_addr', 'read_timeout', 'limits.tenant_share_min', 'pq.verify_mode'],
      disruptive: ['bind_addr'],
      diff: [
        { key: 'bind_addr', from: '127.0.0.1:0', to: '127.0.0.1:7441', origin: '/h/ron-kms.toml:2' },
        { key: 'read_timeout', from: '5s', to: '2s' },
        { key: 'limits.tenant_share_min', from: '0.05', to: '0.1' },
        { key: 'pq.verify_mode', from: 'unset', to: 'and' },
      ],
    });
  });

  test('does not show where a secret is', async () => {
    const env = { RON_KMS_FILE_PASSPHRASE_FILE: '/secret-place', RON_KMS_PKCS11_PIN_ENV: 'SECRET_NAME' };
    const reload = reloadOf(await resolveOf({}), await resolveOf({ env }));
    expect(reload.changed).toEqual(['backends.file.passphrase_file', 'backends.pkcs11.pin_env']);
    expect(reload.diff.map(({ from, to }) => [from, to])).toEqual([
      ['unset', '<redacted>'],
      ['unset', '<redacted>'],
    ]);
    // What the audited record holds.
    checkDetail('config', { changed: reload.changed, config_sha256: reload.config_sha256 });
    expect(JSON.stringify(reload).toLowerCase()).not.toMatch(/secret-place|secret_name/);
  });

  test('takes over timeouts, limits, logging, PQ knobs and certificates', async () => {
    const { disruptive } = reloadOf(
      await resolveOf({}),
      await resolveOf({
        env: {
          RON_KMS_MAX_CONNS: '5',
          RON_KMS_LOG_LEVEL: 'debug',
          RON_KMS_SIGN_RATE_LIMIT: '9',
          RON_KMS_PQ_ROLLOUT_PERCENT: '100',
          RON_KMS_TLS_CERT_PATH: '/c.pem',
          RON_KMS_VERIFY_CACHE_TTL_MS: '5',
          RON_KMS_IDLE_TIMEOUT: '2s',
        },
      }),
    );
    expect(disruptive).toEqual([]);
  });
});
