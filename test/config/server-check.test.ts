// The test matrix of CONFIG.md 4, 8 and 11 as far as it is about configuration: what must fail, and what must not.

import { describe, expect, test } from 'vitest';
import { resolveOf, type TestSources } from '../support/server-config.ts';

const inmem = { RON_KMS_BACKEND: 'inmem' };
const pem = { '/h/c.pem': 'c', '/h/k.pem': { text: 'k', mode: 0o600 } };
const tls = '[tls]\nenabled = true\ncert_path = "c.pem"\nkey_path = "k.pem"\n';

describe('starts', () => {
  const good: readonly (readonly [string, TestSources])[] = [
    ['with nothing at all', {}],
    ['in memory under amnesia', { env: { RON_KMS_AMNESIA: 'true' } }],
    ['as a micronode', { env: { RON_KMS_PROFILE: 'micronode' } }],
    ['as a macronode, on its socket', { env: { RON_KMS_PROFILE: 'macronode' } }],
    ['on loopback', { flags: { bind: '127.0.0.1:7441' } }],
    ['on a public address with TLS', { flags: { bind: '0.0.0.0:7441' }, file: tls, files: pem }],
    ['on a privileged port as root', { flags: { bind: '127.0.0.1:443' }, uid: 0 }],
    [
      'with a log directory in memory',
      { env: { RON_KMS_AMNESIA: '1', RON_KMS_AUDIT_DIR: '/run/a' }, fileSystem: 'tmpfs' },
    ],
    ['with the directories of the home', { env: { RON_KMS_FILE_DIR: '/h/store', RON_KMS_AUDIT_DIR: '/h/x/../audit' } }],
    ['with noble in dev', { env: { RON_KMS_CRYPTO_PROVIDER: 'noble' } }],
    ['with the first backend first', { env: { ...inmem, RON_KMS_MULTI_BACKENDS: 'inmem' } }],
    ['as a verifier', { flags: { 'verify-only': true } }],
  ];
  test.each(good)('%s', async (_name, sources) => {
    expect((await resolveOf(sources)).violations).toEqual([]);
  });
});

describe('does not start', () => {
  const bad: readonly (readonly [string, TestSources, key: string, code: string, message: string])[] = [
    [
      'an address that does not parse',
      { flags: { bind: 'nowhere' } },
      'bind_addr',
      'InvalidValue',
      '--bind: bind_addr: an address with its port',
    ],
    [
      'plain TCP beyond loopback',
      { flags: { bind: '0.0.0.0:7441' } },
      'bind_addr',
      'RefusedConfig',
      '0.0.0.0:7441 is not loopback and tls.enabled is false',
    ],
    [
      'plain TCP of a macronode',
      { flags: { bind: '127.0.0.1:7441', profile: 'macronode' } },
      'bind_addr',
      'RefusedConfig',
      'opens no TCP without TLS',
    ],
    [
      'a plain tlog beyond loopback',
      { env: { RON_KMS_AUDIT_TLOG_ADDR: '10.0.0.1:8080' } },
      'audit.tlog_addr',
      'RefusedConfig',
      'not loopback',
    ],
    [
      'a privileged port',
      { flags: { bind: '127.0.0.1:443' } },
      'bind_addr',
      'RefusedConfig',
      'port 443 needs privilege, and this is uid 1000',
    ],
    [
      'TLS without certificate',
      { file: '[tls]\nenabled = true\nkey_path = "k.pem"\n', files: pem },
      'tls.cert_path',
      'RefusedConfig',
      'tls.enabled needs it',
    ],
    [
      'TLS with a missing key',
      { file: tls, files: { '/h/c.pem': 'c' } },
      'tls.key_path',
      'RefusedConfig',
      'there is no file /h/k.pem',
    ],
    [
      'a key that others read',
      { file: tls, files: { ...pem, '/h/k.pem': { text: 'k', mode: 0o644 } } },
      'tls.key_path',
      'RefusedConfig',
      '/h/k.pem has mode 0644',
    ],
    [
      'a certificate that the group writes',
      { file: tls, files: { ...pem, '/h/c.pem': { text: 'c', mode: 0o660 } } },
      'tls.cert_path',
      'RefusedConfig',
      'mode 0660',
    ],
    [
      'files under amnesia',
      { flags: { amnesia: true, backend: 'file' } },
      'service.backend',
      'RefusedConfig',
      'file keeps keys on disk, and service.amnesia is true',
    ],
    [
      'files of a micronode',
      { flags: { profile: 'micronode', backend: 'file' } },
      'service.backend',
      'RefusedConfig',
      'the default of profile micronode',
    ],
    [
      'a log on disk under amnesia',
      { flags: { amnesia: true, 'audit-dir': '/var/log/kms' } },
      'audit.dir',
      'RefusedConfig',
      '/var/log/kms is on ext4, not in memory',
    ],
    [
      'another store than the home has',
      { env: { RON_KMS_FILE_DIR: '/kms-sealed' } },
      'backends.file.dir',
      'Unsupported',
      '/kms-sealed is not the store of the home',
    ],
    [
      'another log than the home has',
      { flags: { 'audit-dir': '/kms-audit' } },
      'audit.dir',
      'Unsupported',
      '/kms-audit is not the log of the home',
    ],
    [
      'two backends',
      { flags: { 'multi-backends': 'file,inmem' } },
      'service.multi_backends',
      'Unsupported',
      'file, inmem: one backend at a time is supported',
    ],
    [
      'another first backend',
      { flags: { backend: 'inmem', 'multi-backends': 'file,inmem' } },
      'service.multi_backends',
      'RefusedConfig',
      'the first of file, inmem signs',
    ],
    ['PKCS#11', { flags: { backend: 'tpm' } }, 'service.backend', 'Unsupported', 'tpm is not supported'],
    ['age', { env: { RON_KMS_FILE_KDF: 'age' } }, 'backends.file.kdf', 'Unsupported', 'age is not supported'],
    [
      'attested sealing',
      { flags: { 'audit-sealing': 'attested' } },
      'audit.sealing',
      'Unsupported',
      'attested is not supported',
    ],
    [
      'an attestation that no backend has',
      { env: { RON_KMS_ATTEST_REQUIRE: 'required', RON_KMS_ATTEST_CLASSES: 'tpm' } },
      'security.attest_require',
      'RefusedConfig',
      'class software only',
    ],
    [
      'noble on a macronode',
      { env: { RON_KMS_PROFILE: 'macronode', RON_KMS_CRYPTO_PROVIDER: 'noble' } },
      'crypto.provider',
      'RefusedConfig',
      'refused in profile macronode',
    ],
    [
      'logged inputs on a micronode',
      { env: { RON_KMS_PROFILE: 'micronode', RON_KMS_LOG_INPUTS: '1' } },
      'observability.log_inputs',
      'RefusedConfig',
      'never logged',
    ],
    [
      'a longer freeze than the profile has',
      { env: { RON_KMS_PROFILE: 'micronode', RON_KMS_FREEZE_MAX_MINUTES: '60' } },
      'freeze.max_minutes',
      'InvalidValue',
      'from 1 to 30',
    ],
    [
      'a phase that is none',
      { env: { RON_KMS_PQ_VERIFY_MODE: 'and', RON_KMS_PQ_PRODUCE_HYBRID: '0' } },
      'pq.verify_mode',
      'InvalidValue',
      'impossible combination',
    ],
    [
      'a tlog listener',
      { env: { RON_KMS_AUDIT_TLOG: 'some' } },
      'audit.tlog',
      'InvalidValue',
      'one of off, hashes, full',
    ],
  ];
  test.each(bad)('%s', async (_name, sources, key, code, message) => {
    const { violations } = await resolveOf(sources);
    const found = violations.find((one) => one.key === key);
    expect([found?.code, found?.message]).toEqual([code, expect.stringContaining(message)]);
    expect(found!.hint).not.toBe('');
  });

  test('PKCS#11 without pin_env, module or variable says all three, and that it is not supported', async () => {
    const { violations } = await resolveOf({ flags: { backend: 'pkcs11' } });
    expect(violations.map(({ key, code }) => [key, code])).toEqual([
      ['service.backend', 'Unsupported'],
      ['service.multi_backends', 'Unsupported'],
      ['backends.pkcs11.module_path', 'RefusedConfig'],
      ['backends.pkcs11.pin_env', 'RefusedConfig'],
    ]);
    const named = await resolveOf({ flags: { backend: 'pkcs11' }, env: { RON_KMS_PKCS11_PIN_ENV: 'THE_PIN' } });
    expect(named.violations.at(-1)!.message).toBe(
      'RON_KMS_PKCS11_PIN_ENV: backends.pkcs11.pin_env: the named variable is not set',
    );
  });
});

test('what is allowed but loud is a warning', async () => {
  const { warnings, violations } = await resolveOf({
    env: { RON_KMS_METRICS_ADDR: '0.0.0.0:9909', RON_KMS_LOG_INPUTS: '1', RON_KMS_ALLOW_SIGN_FALLBACK: '1' },
  });
  expect(violations).toEqual([]);
  expect(warnings).toEqual([
    'service.allow_sign_fallback has no effect: there is one backend',
    'metrics_addr 0.0.0.0:9909 is not loopback: whoever reaches it reads metrics',
    'observability.log_inputs: inputs are logged, as redact_level says',
  ]);
});
