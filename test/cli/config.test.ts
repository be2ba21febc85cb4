import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ConfigCheckResult } from '../../src/operations/config/check.ts';
import type { ConfigGetResult } from '../../src/operations/config/get.ts';
import type { ConfigMigrateResult } from '../../src/operations/config/migrate.ts';
import type { ConfigSampleResult } from '../../src/operations/config/sample.ts';
import type { MigrateResult } from '../../src/operations/migrate/ron-kms.ts';
import type { PolicyCheckResult } from '../../src/operations/policy/check.ts';
import { temporaryHome } from '../support/binary.ts';
import { makeStore } from '../support/floor-home.ts';

const home = temporaryHome();

function write(name: string, text: string): string {
  const path = join(home.directory, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

function putConfig(text: string): string {
  mkdirSync(home.path, { recursive: true, mode: 0o700 });
  const path = join(home.path, 'ron-kms.toml');
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

describe('config get', () => {
  it('prints the client, with origins', async () => {
    const { data } = await home.json<ConfigGetResult>(['config', 'get']);
    expect(data!.keys.find(({ key }) => key === 'home.dir')).toEqual({
      key: 'home.dir',
      value: home.path,
      origin: 'RONCTL_HOME',
    });
    const text = await home.run(['config', 'get', '--origin']);
    expect(text.stdout).toContain(`dir = "${home.path}"  # RONCTL_HOME\n`);
  });

  it('starts with defaults where there is no file, and says so in one line', async () => {
    const run = await home.run(['config', 'get', 'ron-kms']);
    expect([run.exit, run.stderr]).toEqual([0, 'no configuration file: defaults and environment\n']);
    expect(run.stdout).toContain('\nmax_conns = 1024\n');
  });

  it('ron-kms > kms.cfg gives a file that config check accepts (the documented lines)', async () => {
    const env = { RON_KMS_BIND_ADDR: '127.0.0.1:7441', KMS_MAX_PAYLOAD: '64KB', RON_KMS_PQ_VERIFY_MODE: 'and' };
    const run = await home.run(['config', 'get', 'ron-kms'], { env });
    expect(run.stderr).toContain('warning: KMS_MAX_PAYLOAD is an older name');
    const file = write('kms.cfg', run.stdout);
    const { data } = await home.json<ConfigCheckResult>(['config', 'check', file]);
    expect(data).toEqual({ file, subject: 'ron-kms', format: 'toml', valid: true, violations: [], warnings: [] });
    expect(run.stdout).toContain('bind_addr = "127.0.0.1:7441"');
  });

  it('prints what would not start, with exit 3', async () => {
    const { data, error } = await home.json<ConfigGetResult>(['config', 'get', 'ron-kms'], 3, {
      env: { RON_KMS_BACKEND: 'pkcs11' },
    });
    expect(error?.code).toBe('RefusedConfig');
    expect(data!.violations.map(({ key }) => key)).toEqual([
      'service.backend',
      'service.multi_backends',
      'backends.pkcs11.module_path',
      'backends.pkcs11.pin_env',
    ]);
    expect(data!.features).toMatchObject({ pkcs11: false, tls: true });
  });

  it('refuses a file that everybody may write', async () => {
    const path = putConfig('max_conns = 1\n');
    chmodSync(path, 0o666);
    const { error } = await home.json(['config', 'get', 'ron-kms'], 3);
    expect([error?.code, error?.message]).toEqual(['UnsafeFile', `${path}: everybody may write it`]);
    rmSync(path);
  });
});

it('evidence says why a configuration cannot be read, and is written all the same', async () => {
  await home.json(['init', '--profile', 'dev', '--passphrase-file', home.passphrase('store')], 0, {
    env: { RONCTL_HOME: home.file('other') },
  });
  writeFileSync(home.file('other/ron-kms.toml'), 'max_conns =', { mode: 0o600 });
  await home.json(['evidence', '--since', '1h', '--out', 'bundle'], 0, { env: { RONCTL_HOME: home.file('other') } });
  const report = JSON.parse(home.read('bundle/ron-kms.json').toString()) as unknown;
  expect(report).toMatchObject({ code: 'RefusedConfig', message: expect.stringContaining('ron-kms.toml:1:') });
});

describe('config check', () => {
  it('lists every violation of a server configuration, with places and what to do', async () => {
    const file = write('bad.toml', 'max_con = 1\nbind_addr = "nowhere"\n[tls]\nenabled = true\n[oap]\nx = 1\n');
    const { data, error } = await home.json<ConfigCheckResult>(['config', 'check', file], 3);
    expect(data!.violations.map(({ code, key }) => [code, key])).toEqual([
      ['UnknownKey', 'max_con'],
      ['InvalidValue', 'bind_addr'],
      ['Unsupported', 'oap'],
      ['RefusedConfig', 'tls.cert_path'],
      ['RefusedConfig', 'tls.key_path'],
    ]);
    expect(error?.message).toContain('(and 4 more)');
    const text = await home.run(['config', 'check', file]);
    expect(text.stdout).toContain(`${file}:1:1: unknown key max_con\n  Did you mean max_conns`);
    expect(text.stdout).toContain('not accepted: 5 to correct');
  });

  it('recognises the client configuration, and JSON', async () => {
    const client = write('client.cfg', '[kms]\nurl = "local"\n[output]\nfromat = "json"\n[x]\n');
    const { data } = await home.json<ConfigCheckResult>(['config', 'check', client], 3);
    expect([data!.subject, data!.violations.map(({ key }) => key)]).toEqual(['client', ['output.fromat', 'x']]);
    const server = write('server.json', '{"max_conns": 5, "limits": {"max_body_bytes": "1MiB"}}');
    const good = await home.json<ConfigCheckResult>(['config', 'check', server]);
    expect([good.data!.subject, good.data!.format]).toEqual(['ron-kms', 'json']);
    const clientJson = write('client.json', '{"output": {"format": "json"}}');
    expect((await home.json<ConfigCheckResult>(['config', 'check', clientJson])).data!.subject).toBe('client');
  });

  it('does not look at the environment', async () => {
    const file = write('ok.toml', 'max_conns = 1\n');
    await home.json(['config', 'check', file], 0, { env: { RON_KMS_MAX_CONNS: 'x', X0TTA6BL4_PRODUCTION: '1' } });
  });

  it('reads standard input, and names what does not parse', async () => {
    const { error } = await home.json(['config', 'check', '-'], 3, { stdin: 'max_conns = ' });
    expect([error?.code, error?.message]).toEqual(['RefusedConfig', expect.stringContaining('stdin:1:')]);
  });
});

describe('config sample', () => {
  it.each([
    [[], 'client', 'config.toml'],
    [['ron-kms'], 'ron-kms', 'ron-kms.toml'],
    [['--profile', 'micronode'], 'ron-kms', 'ron-kms.toml'],
    [['--systemd'], 'systemd', 'ron-kms.service'],
  ])('%j', async (argv, subject, file) => {
    const { data } = await home.json<ConfigSampleResult>(['config', 'sample', ...argv]);
    expect([data!.subject, data!.file]).toEqual([subject, file]);
    expect((await home.run(['config', 'sample', ...argv])).stdout).toBe(data!.text);
    if (subject === 'systemd') expect(data!.text).toMatch(/^ExecStart=\/.*\/bin\/ronctl kms serve /m);
    else await home.json(['config', 'check', write(file, data!.text)]);
  });

  it('refuses an unknown profile', async () => {
    const { error } = await home.json(['config', 'sample', '--profile', 'prod'], 3);
    expect([error?.code, error?.field]).toEqual(['InvalidValue', '--profile']);
  });
});

describe('migration', () => {
  const older = '# ours\n[pq]\nmode = "hybrid"\n';

  it('config migrate writes to --out, never over its own file without --force', async () => {
    const file = write('old.toml', older);
    const out = join(home.directory, 'new.toml');
    const { error } = await home.json(['config', 'migrate', file, '--out', file], 3);
    expect(error?.code).toBe('Exists');
    await home.json(['config', 'migrate', file, '--out', out, '--dry-run']);
    expect(existsSync(out)).toBe(false);
    const { data } = await home.json<ConfigMigrateResult>(['config', 'migrate', file, '--out', out]);
    expect(data).toMatchObject({ out, changes: [{ line: 3, from: 'pq.mode' }], rewritten: false, profile: 'dev' });
    expect(readFileSync(out, 'utf8')).toBe(
      '# ours\n[pq]\nproduce_hybrid = true\nverify_mode = "or"\n# mode = "hybrid"\n',
    );
    expect(readFileSync(file, 'utf8')).toBe(older);
    await home.json(['config', 'migrate', file, '--out', file, '--force']);
    expect(readFileSync(file, 'utf8')).toBe(readFileSync(out, 'utf8'));
    const again = await home.json<ConfigMigrateResult>(['config', 'migrate', out, '--out', join(home.directory, 'x')]);
    expect(again.data).toMatchObject({ changes: [], out: null });
  });

  it('config migrate refuses a file that is wrong otherwise', async () => {
    const file = write('wrong.toml', `${older}max_con = 1\n`);
    const { error } = await home.json(['config', 'migrate', file, '--out', join(home.directory, 'y')], 3);
    expect([error?.code, error?.message]).toEqual(['RefusedConfig', expect.stringContaining('unknown key pq.max_con')]);
  });

  it('migrate ron-kms does the home and its ron-kms.toml, once', async () => {
    const none = await home.json<MigrateResult>(['migrate', 'ron-kms']);
    expect(none.data).toMatchObject({ home: { pending: [] }, config: { file: null, changes: [] }, variables: [] });
    expect((await home.run(['migrate', 'ron-kms'])).stdout).toContain('nothing to migrate');

    const path = putConfig(older);
    const dry = await home.json<MigrateResult>(['migrate', 'ron-kms', '--dry-run'], 0, {
      env: { KMS_BIND: '127.0.0.1:0' },
    });
    expect(dry.data).toMatchObject({ dry_run: true, variables: [{ name: 'KMS_BIND', use: 'RON_KMS_BIND_ADDR' }] });
    expect(readFileSync(path, 'utf8')).toBe(older);
    const { data } = await home.json<MigrateResult>(['migrate', 'ron-kms']);
    expect(data!.config).toMatchObject({ file: path, backup: `${path}.before-migration` });
    expect(readFileSync(`${path}.before-migration`, 'utf8')).toBe(older);
    expect(readFileSync(path, 'utf8')).toContain('verify_mode = "or"');
    expect((await home.json<MigrateResult>(['migrate', 'ron-kms'])).data!.config.changes).toEqual([]);

    putConfig(older);
    const { error } = await home.json(['migrate', 'ron-kms'], 3);
    expect(error?.code).toBe('Exists');
    rmSync(path);
  });
});

describe('against the policy', () => {
  it('says what to run first without one', async () => {
    const { error } = await home.json(['policy', 'check'], 4);
    expect(error?.code).toBe('NotInitialised');
  });

  describe('of a home', () => {
    beforeAll(async () => {
      await makeStore(home, 'macronode');
    });

    it('the profile is that of the home, and another one is refused from every source', async () => {
      const { data } = await home.json<ConfigGetResult>(['config', 'get', 'ron-kms']);
      expect(data!.keys[0]).toEqual({ key: 'profile', value: 'macronode', origin: 'home.json' });
      const { data: other } = await home.json<ConfigGetResult>(['config', 'get', 'ron-kms'], 3, {
        env: { RON_KMS_PROFILE: 'dev' },
      });
      expect(other!.violations).toMatchObject([{ key: 'profile', origin: 'RON_KMS_PROFILE' }]);
    });

    it('policy check: looser is 16, equal and tighter are within', async () => {
      const looser = write('looser.toml', '[pq]\nverify_mode = "or"\n');
      const { data, error } = await home.json<PolicyCheckResult>(['policy', 'check', looser], 16);
      expect([error?.code, error?.field]).toEqual(['PolicyRefused', 'pq.verify_mode']);
      expect(data).toMatchObject({ within: false, governed: false, profile: 'macronode', ledger_id: null });
      expect(data!.violations[0]!.message).toBe(
        `${looser}:2: pq.verify_mode = or means phase 1 (or), looser than phase 2 (and), which home.json says`,
      );
      const equal = write('equal.toml', '[pq]\nverify_mode = "and"\n');
      expect((await home.json<PolicyCheckResult>(['policy', 'check', equal])).data!.tighter).toEqual([]);
      const tighter = write('tighter.toml', '[pq]\nverify_mode = "pq_only"\n');
      const { data: more } = await home.json<PolicyCheckResult>(['policy', 'check', tighter]);
      expect(more!.tighter).toMatchObject([{ key: 'pq.phase', configured: { phase: 3 } }]);
      expect((await home.run(['policy', 'check', tighter])).stdout).toContain('is tighter than');
    });

    it('policy check without a file judges what a server would start with', async () => {
      const { error } = await home.json(['policy', 'check'], 16, { env: { RON_KMS_PQ_VERIFY_MODE: 'or' } });
      expect(error?.message).toContain('RON_KMS_PQ_VERIFY_MODE: pq.verify_mode = or');
      await home.json(['policy', 'check'], 3, { env: { RON_KMS_CRYPTO_PROVIDER: 'noble' } });
      expect((await home.run(['policy', 'check'])).stdout).toContain('within the policy');
    });
  });
});
