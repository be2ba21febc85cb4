// Printed, sampled and migrated configurations: each reads back as what it says.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { parseClientConfig } from '../../src/config/client-config.ts';
import { effectiveClientKeys, printClientConfig, sampleClientConfig } from '../../src/config/client-effective.ts';
import { serverKeys } from '../../src/config/server-keys.ts';
import { migrateServerConfig } from '../../src/config/server-migrate.ts';
import { printServerConfig, sampleServerConfig } from '../../src/config/server-print.ts';
import { systemdUnit } from '../../src/config/systemd-unit.ts';
import { environment, resolveOf } from '../support/server-config.ts';

/** Texts of values for keys, as a file would set them; every one is accepted. */
const SETTINGS: readonly (readonly [key: string, toml: string])[] = [
  ['bind_addr', '"127.0.0.1:7441"'],
  ['metrics_addr', '"[::1]:9909"'],
  ['max_conns', '7'],
  ['read_timeout', '"1500ms"'],
  ['limits.max_body_bytes', '"2MiB"'],
  ['limits.tenant_share_min', '0.125'],
  ['limits.drain_deadline', '"0ms"'],
  ['tls.cert_path', '"sub dir/cert \\"quoted\\".pem"'],
  ['tls.pq_only', 'true'],
  ['service.allowed_algs', '["ml-dsa", "ed25519"]'],
  ['service.multi_backends', '["file"]'],
  ['service.verify_only', 'true'],
  ['security.attest_require', '"if-available"'],
  ['pq.verify_mode', '"and"'],
  ['pq.produce_hybrid', 'true'],
  ['pq.rollout_percent', '50'],
  ['audit.min_free', '0'],
  ['audit.checkpoint_interval', '"90s"'],
  ['caps.max_ttl_s', '600'],
  ['observability.log_level', '"debug"'],
  ['backends.file.passphrase_file', '"/p"'],
  ['backends.pkcs11.slot_label', '"a \\\\ b"'],
  ['crypto.provider', '"noble"'],
];

describe('an effective configuration', () => {
  test('reads back as the same one', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.subarray([...SETTINGS]),
        fc.constantFrom('dev', 'drill'),
        fc.boolean(),
        async (settings, profile, withOrigins) => {
          const file = [`profile = "${profile}"`, ...settings.map(([key, value]) => `${key} = ${value}`)].join('\n');
          const first = await resolveOf({ file });
          expect(first.violations).toEqual([]);
          const printed = printServerConfig(first, { withOrigins });
          const again = await resolveOf({ file: printed });
          expect(again.violations).toEqual([]);
          expect(again.config).toEqual(first.config);
          expect(printServerConfig(again, { withOrigins: false })).toBe(
            printServerConfig(first, { withOrigins: false }),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  test('names every key, and its source when asked', async () => {
    const resolved = await resolveOf({ file: 'max_conns = 7', env: { RON_KMS_LOG_LEVEL: 'warn' } });
    const text = printServerConfig(resolved, { withOrigins: true });
    for (const { key } of serverKeys()) expect(text).toMatch(new RegExp(`^(?:# )?${key.split('.').at(-1)!} `, 'm'));
    expect(text).toContain('max_conns = 7  # /h/ron-kms.toml:1\n');
    expect(text).toContain('log_level = "warn"  # RON_KMS_LOG_LEVEL\n');
    // A default that the ledger may tighten is no demand of this file.
    expect(text).toContain('# max_ttl_s = 900  # default\n');
  });
});

describe('a sample', () => {
  test.each([null, 'dev', 'drill', 'micronode', 'macronode'] as const)('for %s is accepted', async (profile) => {
    const text = sampleServerConfig(profile);
    const pem = { '/etc/ron/tls/cert.pem': 'c', '/etc/ron/tls/key.pem': 'k' };
    const { violations, warnings, config } = await resolveOf({ file: text, files: pem });
    expect([violations, warnings, config.profile]).toEqual([[], [], profile ?? 'dev']);
    for (const { env } of serverKeys()) expect(text).toContain(`(${env}`);
  });

  test('says the defaults: without its comments it is the same configuration', async () => {
    const bare = sampleServerConfig(null).replaceAll(/^# (\w+ = .*)$/gm, '$1');
    const skipped = bare.replaceAll(/^(?:dir|sinks) = .*$/gm, '');
    const { violations, config } = await resolveOf({ file: skipped });
    expect(violations).toEqual([]);
    expect(config).toEqual((await resolveOf({})).config);
  });

  test('of a macronode listens where the runbook says', async () => {
    const { config } = await resolveOf({ file: sampleServerConfig('macronode') });
    expect([config.bind_addr, config.metrics_addr, config.tls.enabled]).toEqual([
      '0.0.0.0:9446',
      '127.0.0.1:9909',
      true,
    ]);
  });

  test('of the client is accepted and sets nothing', async () => {
    expect(
      Object.values(await parseClientConfig(sampleClientConfig(), 'c')).every((one) => Object.keys(one).length === 0),
    ).toBe(true);
  });
});

test('the effective client configuration reads back', async () => {
  const config = await parseClientConfig('[kms]\nurl = "local"\n[signer]\ndefault = "alice"\n', 'c');
  const keys = effectiveClientKeys({
    env: environment({ RONCTL_SIGNER: 'bob', NO_COLOR: '1' }),
    config,
    file: '/c.toml',
    home: '/h',
  });
  expect(keys.map(({ key, value, origin }) => `${key} ${value} ${origin}`)).toEqual([
    'home.dir /h default',
    'kms.url local /c.toml',
    'kms.ca_file null default',
    'kms.cert_sha256 null default',
    'kms.token_file null default',
    'kms.timeout 5s default',
    'kms.retries 2 default',
    'signer.default bob RONCTL_SIGNER',
    'output.format table default',
    'output.color never NO_COLOR',
    'crypto.provider native default',
    'audit.policy_file null default',
  ]);
  const again = await parseClientConfig(printClientConfig(keys, true), 'c');
  expect(again).toMatchObject({
    kms: { url: 'local', retries: 2 },
    signer: { default: 'bob' },
    output: { color: 'never' },
  });
});

const migrate = (text: string, profile = 'dev') =>
  migrateServerConfig({ text, file: 'f.toml', directory: '/etc/ron', profile });

describe('a migration', () => {
  test('keeps lines and comments of TOML', async () => {
    const { text, changes, rewritten } = await migrate(`# our server
profile = "dev" # one

[pq]   # rollout
mode = "hybrid" # as agreed
rollout_percent = 100

[verify_cache]
ttl_ms = 60000

[audit]
checkpoint_interval_ops = 10
`);
    expect(changes).toEqual([
      { line: 5, from: 'pq.mode', to: ['pq.produce_hybrid', 'pq.verify_mode'] },
      { line: 9, from: 'verify_cache.ttl_ms', to: ['audit.verify_cache_ttl_ms'] },
    ]);
    expect(rewritten).toBe(false);
    expect(text).toBe(`# our server
profile = "dev" # one

[pq]   # rollout
produce_hybrid = true
verify_mode = "or"
# mode = "hybrid" # as agreed
rollout_percent = 100

[verify_cache]
# ttl_ms = 60000

[audit]
verify_cache_ttl_ms = 60000
checkpoint_interval_ops = 10
`);
  });

  const texts: readonly (readonly [name: string, text: string, rewritten: boolean])[] = [
    ['dotted keys', 'pq.mode = "and"\n', false],
    ['a table that is missing', 'max_conns = 5\nverify_cache.ttl_ms = 5\n', false],
    ['an inline table', 'pq = { mode = "and", rollout_percent = 50 }\n[tls]\ncert_path = "c.pem"\n', true],
    ['both names', '[pq]\nmode = "and"\nverify_mode = "and"\n', true],
    ['dotted keys of a table that exists', '[pq]\nrollout_percent = 50\n[verify_cache]\nttl_ms = 5\n', false],
    ['JSON', '{"pq": {"mode": "and"}, "tls": {"cert_path": "c.pem"}}', true],
  ];
  test.each(texts)('of %s means the same', async (_name, text, rewritten) => {
    const migrated = await migrate(text);
    expect(migrated.rewritten).toBe(rewritten);
    const files = { '/etc/ron/f.toml': text, '/etc/ron/g.toml': migrated.text };
    const before = await resolveOf({ files, flags: { config: '/etc/ron/f.toml' } });
    const after = await resolveOf({ files, flags: { config: '/etc/ron/g.toml' } });
    expect(after.config).toEqual(before.config);
    expect([before.warnings.length > 0, after.warnings, after.violations]).toEqual([true, [], []]);
    expect(await migrate(migrated.text)).toMatchObject({ changes: [], text: migrated.text });
  });

  test('reads hybrid as the profile says', async () => {
    expect((await migrate('pq.mode = "hybrid"', 'macronode')).text).toContain('verify_mode = "and"');
    expect((await migrate('pq.mode = "hybrid"', 'micronode')).text).toContain('verify_mode = "or"');
  });

  test('leaves a file with current names as it is', async () => {
    const text = '# x\r\nmax_conns = 1\r\n';
    expect(await migrate(text)).toMatchObject({ changes: [], text, rewritten: false });
  });

  test('gives nothing for a file that is wrong', async () => {
    const { collected } = await migrate('pq.mode = "hybrid"\nmax_con = 1\n');
    expect(collected.violations).toMatchObject([{ code: 'UnknownKey', key: 'max_con' }]);
  });
});

describe('the systemd unit', () => {
  const unit = systemdUnit({ executable: '/usr/bin/env', minFreeBytes: 2 ** 28 })!;

  test('has what the service page demands', () => {
    const lines = new Set(unit.split('\n'));
    const demanded = [
      'Type=notify',
      'NotifyAccess=all',
      'RuntimeDirectory=ron-kms',
      'Environment=XDG_RUNTIME_DIR=%t/ron-kms',
      'ExecReload=/bin/kill -HUP $MAINPID',
      'Restart=on-failure',
      'UMask=0077',
      'LimitCORE=0',
      'NoNewPrivileges=yes',
      'ProtectSystem=strict',
      'ProtectHome=yes',
      'PrivateTmp=yes',
      'PrivateDevices=yes',
    ];
    expect(demanded.filter((one) => !lines.has(one))).toEqual([]);
    const pages = /^Documentation=(.*)$/m.exec(unit)![1]!.split(' ');
    expect(pages.map((page) => page.replace(/^man:(.*)\((\d)\)$/, '$1.$2'))).toEqual([
      'ronctl-server.7',
      'ron-kms.toml.5',
    ]);
    expect(unit).toMatch(/^LoadCredential=ronctl-store:/m);
    expect(unit).toMatch(/^RestrictAddressFamilies=/m);
    expect(unit).not.toMatch(/^MemoryDenyWriteExecute/m);
    // Within the limit of starts a server that keeps failing comes to rest, and is tried for over a minute before.
    const seconds = (key: string): number => Number(new RegExp(`^${key}=(\\d+)$`, 'm').exec(unit)![1]);
    const tried = seconds('StartLimitBurst') * seconds('RestartSec');
    expect([tried > 60, tried < seconds('StartLimitIntervalSec')]).toEqual([true, true]);
  });

  test('is not made for a path that could end a line', () => {
    expect(systemdUnit({ executable: '/usr/bin/x\nExecStart=/bin/sh', minFreeBytes: 1 })).toBeNull();
    expect(systemdUnit({ executable: '/usr/my bin/x', minFreeBytes: 1 })).toBeNull();
  });

  const present = spawnSync('systemd-analyze', ['--version']).error === undefined;
  it.runIf(present)('passes systemd-analyze verify', () => {
    const directory = mkdtempSync(join(tmpdir(), 'unit-'));
    try {
      const file = join(directory, 'ron-kms.service');
      writeFileSync(file, unit);
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
      const defects = stderr.split('\n').filter((one) => one.includes('ron-kms'));
      expect([status, defects]).toEqual([0, []]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
