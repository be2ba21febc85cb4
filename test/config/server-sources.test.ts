import { describe, expect, test } from 'vitest';
import { loadServerConfig } from '../../src/config/server-load.ts';
import { HOME, resolveOf, serverSources, type TestSources } from '../support/server-config.ts';

const toml = `max_conns = 1
[observability]
log_level = "warn"
`;

describe('precedence', () => {
  const cases: readonly (readonly [TestSources, number, string])[] = [
    [{}, 1024, 'default'],
    [{ file: toml }, 1, '/h/ron-kms.toml:1'],
    [{ file: toml, env: { RON_KMS_MAX_CONNS: '2' } }, 2, 'RON_KMS_MAX_CONNS'],
    [{ file: toml, env: { RON_KMS_MAX_CONNS: '2' }, flags: { 'max-conns': '3' } }, 3, '--max-conns'],
    [{ env: { RON_KMS_MAX_CONNS: '' }, flags: {} }, 1024, 'default'],
  ];
  test.each(cases)('%j gives %i from %s', async (sources, value, origin) => {
    const { config, origins, violations } = await resolveOf(sources);
    expect([violations, config.max_conns, origins.get('max_conns')]).toEqual([[], value, origin]);
  });

  test('boolean flags set true, or false', async () => {
    const { config, origins } = await resolveOf({ flags: { amnesia: true, 'pq-produce-hybrid': true } });
    expect([config.service.amnesia, config.service.backend, config.pq.produce_hybrid]).toEqual([true, 'inmem', true]);
    expect(origins.get('service.amnesia')).toBe('--amnesia');
    const off = await resolveOf({ flags: { amnesia: false, profile: 'micronode' } });
    expect([off.violations, off.config.service.amnesia, off.config.service.backend]).toEqual([[], false, 'file']);
  });

  test('every key is named in origins', async () => {
    const { origins } = await resolveOf({});
    expect([...new Set(origins.values())]).toEqual(['default']);
  });
});

describe('older names', () => {
  test('count, with a warning each', async () => {
    const { config, warnings, violations } = await resolveOf({
      env: { KMS_MAX_PAYLOAD: '2048', KMS_TENANT_SHARE_MIN: '0.1', KMS_API_ADDR: '127.0.0.1:9446' },
    });
    expect(violations).toEqual([]);
    expect(config.limits).toMatchObject({ max_body_bytes: 2048, tenant_share_permille: 100 });
    expect(config.bind_addr).toBe('127.0.0.1:9446');
    expect(warnings).toEqual([
      'KMS_API_ADDR is an older name, removed in 1.1.0; use RON_KMS_BIND_ADDR',
      'KMS_MAX_PAYLOAD is an older name, removed in 1.1.0; use RON_KMS_MAX_BODY_BYTES',
      'KMS_TENANT_SHARE_MIN is an older name, removed in 1.1.0; use RON_KMS_TENANT_SHARE_MIN',
    ]);
  });

  test('and the current name with the same value are one', async () => {
    const { config, violations } = await resolveOf({
      env: { KMS_BIND: '127.0.0.1:1024', RON_KMS_BIND_ADDR: '127.0.0.1:1024', KMS_ALLOWED_ALGS: 'ml-dsa,ed25519' },
    });
    expect([violations, config.bind_addr]).toEqual([[], '127.0.0.1:1024']);
    expect(config.service.allowed_algs).toEqual(['ed25519', 'ml-dsa']);
  });

  const clashes: readonly (readonly [TestSources, string])[] = [
    [{ env: { KMS_BIND: '127.0.0.1:1', RON_KMS_BIND_ADDR: '127.0.0.1:2' } }, 'RON_KMS_BIND_ADDR and KMS_BIND'],
    [{ env: { KMS_BIND: '127.0.0.1:1', KMS_API_ADDR: '127.0.0.1:2' } }, 'KMS_BIND and KMS_API_ADDR'],
    [
      { env: { KMS_PQ_VERIFY_MODE: 'or', RON_KMS_PQ_VERIFY_MODE: 'and' } },
      'RON_KMS_PQ_VERIFY_MODE and KMS_PQ_VERIFY_MODE',
    ],
    [
      { env: { RON_KMS_PROFILE: 'micronode', PQ_ONLY: 'true', RON_KMS_TLS_PQ_ONLY: 'false' } },
      'RON_KMS_TLS_PQ_ONLY and PQ_ONLY',
    ],
    [
      { file: 'verify_cache.ttl_ms = 1\naudit.verify_cache_ttl_ms = 2\n' },
      '/h/ron-kms.toml:1 and /h/ron-kms.toml:2 both mean audit.verify_cache_ttl_ms',
    ],
    [{ file: '[pq]\nmode = "hybrid"\nverify_mode = "pq_only"\n' }, '/h/ron-kms.toml:2 and /h/ron-kms.toml:3'],
  ];
  test.each(clashes)('%j is refused', async (sources, names) => {
    const { violations } = await resolveOf(sources);
    expect(
      violations.map(({ code, message }) => [code, message.startsWith(names), message.includes('differ')]),
    ).toContainEqual(['RefusedConfig', true, true]);
  });

  test('RON_CONFIG names the file, unless RON_KMS_CONFIG names another', async () => {
    const files = { '/etc/x.toml': 'max_conns = 5' };
    const { config, file, warnings } = await resolveOf({ env: { RON_CONFIG: '/etc/x.toml' }, files });
    expect([config.max_conns, file, warnings]).toEqual([
      5,
      '/etc/x.toml',
      ['RON_CONFIG is an older name; use RON_KMS_CONFIG'],
    ]);
    await expect(
      resolveOf({ env: { RON_CONFIG: '/etc/x.toml', RON_KMS_CONFIG: '/etc/y.toml' }, files }),
    ).rejects.toMatchObject({ code: 'RefusedConfig', field: 'RON_KMS_CONFIG' });
  });

  const modes: readonly (readonly [profile: string, word: string, mode: string, produce: boolean])[] = [
    ['dev', 'hybrid', 'or', true],
    ['micronode', 'hybrid', 'or', true],
    ['macronode', 'hybrid', 'and', true],
    ['dev', 'off', 'or', false],
    ['dev', 'pq-only', 'pq_only', true],
  ];
  test.each(modes)('pq.mode in %s: %s is %s', async (profile, word, mode, produce) => {
    const { config, warnings, violations } = await resolveOf({
      file: `profile = "${profile}"\n[pq]\nmode = "${word}"\n`,
    });
    expect(violations).toEqual([]);
    expect(config.pq).toMatchObject({ verify_mode: mode, produce_hybrid: produce });
    expect(warnings).toEqual([
      '/h/ron-kms.toml:3: pq.mode is an older name, removed in 1.1.0; use pq.verify_mode and pq.produce_hybrid',
    ]);
  });

  test('an unknown word of pq.mode is refused, never read as off', async () => {
    const { violations } = await resolveOf({ env: { KMS_PQ_MODE: 'none' } });
    expect(violations).toMatchObject([{ code: 'InvalidValue', key: 'KMS_PQ_MODE', origin: 'KMS_PQ_MODE' }]);
  });
});

describe('overlays of micronode', () => {
  const env = { PQ_HYBRID: 'true', PQ_SIGN_ALGO: 'slh-dsa', PQ_ONLY: '1', MICRO_PERSIST: '1' };

  test('count under that profile', async () => {
    const { config, warnings, violations, origins } = await resolveOf({
      env: { ...env, RON_KMS_PROFILE: 'micronode' },
    });
    expect([violations, warnings]).toEqual([[], []]);
    expect(config).toMatchObject({
      pq: { produce_hybrid: true, sign_algo: 'slh-dsa' },
      tls: { pq_only: true },
      service: { amnesia: false, backend: 'file' },
    });
    expect(origins.get('service.amnesia')).toBe('MICRO_PERSIST');
  });

  test('have no effect under another, and say so', async () => {
    const { config, warnings } = await resolveOf({ env });
    expect(config).toMatchObject({ pq: { produce_hybrid: null, sign_algo: 'ml-dsa' }, tls: { pq_only: false } });
    expect(warnings).toHaveLength(4);
    expect(warnings[0]).toMatch(/^PQ_HYBRID counts under profile micronode only/);
  });

  test('name themselves once in what is wrong with them', async () => {
    const wrong = { PQ_HYBRID: 'x', PQ_SIGN_ALGO: 'rsa', RON_KMS_PQ_MODE: 'zz', RON_KMS_PROFILE: 'micronode' };
    const { violations } = await resolveOf({ env: wrong });
    expect(violations.map(({ message }) => message).toSorted()).toEqual([
      'PQ_HYBRID: "x" is none of its values',
      'PQ_SIGN_ALGO: "rsa" is none of its values',
      'RON_KMS_PQ_MODE: "zz" is none of its values',
    ]);
  });

  test('the profile that home or genesis fixes decides', async () => {
    const { config } = await resolveOf({ env: { PQ_ONLY: '1' }, fixed: { profile: 'micronode', by: 'home.json' } });
    expect([config.profile, config.tls.pq_only]).toEqual(['micronode', true]);
  });

  test('stand in [security] of its file', async () => {
    const security = '[security]\npq_hybrid = true\npq_sign_algo = "slh-dsa"\npq_only = true\nkey_rotation_days = 30\n';
    const { config, violations, warnings } = await resolveOf({ file: `profile = "micronode"\n${security}` });
    expect(violations).toEqual([]);
    expect(config).toMatchObject({ tls: { pq_only: true }, keys: { rotate_max_days: 30 } });
    expect(warnings).toHaveLength(4);
    const { violations: bad } = await resolveOf({
      file: 'profile = "micronode"\n[security]\nkey_rotation_days = 91\n',
    });
    expect(bad).toMatchObject([{ code: 'InvalidValue', key: 'security.key_rotation_days' }]);
  });
});

describe('names that are refused', () => {
  const variables: readonly (readonly [name: string, hint: string])[] = [
    ['X0TTA6BL4_PRODUCTION', 'RON_KMS_PROFILE=macronode'],
    ['X0TTA6BL4_ALLOW_MOCK_PQC', 'There is no mock'],
    ['X0TTA6BL4_DISABLE_PQC', 'governance propose'],
    ['X0TTA6BL4_ANYTHING', 'RON_KMS_*'],
    ['KMS_GRPC_ADDR', 'no gRPC'],
  ];
  test.each(variables)('%s, with what to do instead', async (name, hint) => {
    const { violations } = await resolveOf({ env: { [name]: 'true' } });
    expect(violations).toHaveLength(1);
    expect(violations[0]).toMatchObject({ code: 'Unsupported', key: name });
    expect(violations[0]!.hint).toContain(hint);
  });

  const keys: readonly (readonly [text: string, message: string, hint: string])[] = [
    ['[oap]\nenabled = true', '/h/ron-kms.toml:1:1: unsupported table [oap]', 'no OAP transport'],
    ['grpc_addr = "x"', '/h/ron-kms.toml:1:1: unsupported key grpc_addr', 'no gRPC'],
    ['[backends.tpm]\ndevice = "x"', '/h/ron-kms.toml:1:1: unsupported table [backends.tpm]', 'backend "file"'],
  ];
  test.each(keys)('%s', async (file, message, hint) => {
    const { violations } = await resolveOf({ file });
    expect(violations).toMatchObject([{ code: 'Unsupported', message }]);
    expect(violations[0]!.hint).toContain(hint);
  });

  test('an unknown variable of ours, with the nearest', async () => {
    const { violations } = await resolveOf({ env: { RON_KMS_ATTEST_REQIRE: 'required' } });
    expect(violations).toMatchObject([
      { code: 'UnknownKey', key: 'RON_KMS_ATTEST_REQIRE', hint: expect.stringContaining('RON_KMS_ATTEST_REQUIRE') },
    ]);
  });

  test('not those that a container platform sets for a service called ron-kms', async () => {
    const env = {
      RON_KMS_SERVICE_HOST: '10.0.0.1',
      RON_KMS_PORT: 'tcp://10.0.0.1:9446',
      RON_KMS_PORT_9446_TCP_ADDR: '10.0.0.1',
      KMS_KEY_ID: 'of another program',
    };
    expect((await resolveOf({ env })).violations).toEqual([]);
  });
});

describe('the file', () => {
  const unknown: readonly (readonly [text: string, message: string, hint: string])[] = [
    ['max_con = 1', '/h/ron-kms.toml:1:1: unknown key max_con', 'Did you mean max_conns'],
    ['[limits]\n  max_body_byte = 1', '/h/ron-kms.toml:2:3: unknown key limits.max_body_byte', 'limits.max_body_bytes'],
    ['[limit]\nx = 1', '/h/ron-kms.toml:1:1: unknown table [limit]', ''],
    ['[backends.file]\nkfd = "scrypt"', '/h/ron-kms.toml:2:1: unknown key backends.file.kfd', 'backends.file.kdf'],
    ['"max_conns.x" = 1', '/h/ron-kms.toml:1:1: unknown key max_conns.x', 'max_conns'],
    ['__proto__ = 1', '/h/ron-kms.toml:1:1: unknown key __proto__', ''],
    ['{"limits": {"constructor": 1}}', '/h/ron-kms.toml:1:13: unknown key limits.constructor', ''],
    ['"limits.max_body_bytes" = 1', '/h/ron-kms.toml:1:1: unknown key', ''],
  ];
  test.each(unknown)('%s', async (file, message, hint) => {
    const { violations } = await resolveOf({ file });
    expect(violations.map(({ code }) => code)).toEqual(['UnknownKey']);
    expect(violations[0]!.message).toContain(message);
    expect(violations[0]!.hint).toContain(hint);
  });

  const wrong: readonly (readonly [text: string, message: string])[] = [
    ['max_conns = 0', '/h/ron-kms.toml:1:1: max_conns: a whole number from 1 to 65536 is expected, not 0'],
    ['max_conns = "1"', '/h/ron-kms.toml:1:1: max_conns: a whole number'],
    ['[tls]\nenabled = "true"', '/h/ron-kms.toml:2:1: tls.enabled: true or false is expected, not "true"'],
    ['tls = true', '/h/ron-kms.toml:1:1: tls is a table, written [tls]'],
    ['read_timeout = 5', '/h/ron-kms.toml:1:1: read_timeout: a duration'],
    ['limits = { max_body_bytes = "1" }', '/h/ron-kms.toml:1:1: limits.max_body_bytes: a size'],
    ['[audit]\nsinks = ["https://x"]', '/h/ron-kms.toml:2:1: audit.sinks: a list of at most 8 of: NAME=file:/PATH'],
    ['max_conns = 2026-01-01', '/h/ron-kms.toml:1:1: max_conns: a whole number'],
    ['{"max_conns":\n 0}', '/h/ron-kms.toml:1:2: max_conns: a whole number'],
  ];
  test.each(wrong)('%s', async (file, message) => {
    const { violations } = await resolveOf({ file });
    expect(violations.map(({ code }) => code)).toEqual(['InvalidValue']);
    expect(violations[0]!.message).toContain(message);
  });

  const broken: readonly (readonly [text: string, message: string])[] = [
    ['max_conns = 1\nmax_conns = 2', '/h/ron-kms.toml:2:'],
    ['[tls', '/h/ron-kms.toml:1:'],
    ['{"max_conns": 1,\n "max_conns": 1}', '/h/ron-kms.toml:2:2: max_conns stands twice in one object'],
    ['{"tls": {"enabled": true, "\\u0065nabled": true}}', 'enabled stands twice'],
    ['{"max_conns": 1', '/h/ron-kms.toml:1:'],
    ['{"max_conns": 1}x', '/h/ron-kms.toml:1:'],
  ];
  test.each(broken)('%s does not parse', async (file, message) => {
    await expect(resolveOf({ file })).rejects.toMatchObject({
      code: 'RefusedConfig',
      message: expect.stringContaining(message),
      hint: expect.stringContaining('Correct line'),
    });
  });

  test('TOML and JSON say the same', async () => {
    const asToml = await resolveOf({
      file: 'max_conns = 7\n[limits]\ntenant_share_min = 0.1\n[service]\nallowed_algs = ["ml-dsa"]\n',
    });
    const asJson = await resolveOf({
      file: '{"max_conns": 7, "limits": {"tenant_share_min": 0.1}, "service": {"allowed_algs": ["ml-dsa"]}}',
    });
    expect(asJson.config).toEqual(asToml.config);
    expect(asJson.violations).toEqual([]);
  });

  test('paths count from its directory, those of variables and flags from the working directory', async () => {
    const { config } = await resolveOf({
      env: { RON_KMS_FILE_PASSPHRASE_FILE: '../p', RON_KMS_CONFIG: 'etc/a.toml' },
      files: { '/work-here/etc/a.toml': '[tls]\ncert_path = "./c.pem"\nkey_path = "/abs/k.pem"\n' },
    });
    expect(config.tls).toMatchObject({ cert_path: '/work-here/etc/c.pem', key_path: '/abs/k.pem' });
    expect(config.backends.file.passphrase_file).toBe('/p');
  });

  test('a wrong value of a key that says where a secret is, is not repeated', async () => {
    const { violations } = await resolveOf({ file: '[backends.pkcs11]\npin_env = "hunter 2"\n' });
    expect(violations).toHaveLength(1);
    expect(JSON.stringify(violations)).not.toContain('hunter');
  });
});

describe('where the file is looked for', () => {
  const everywhere = {
    '/h/ron-kms.toml': 'max_conns = 1',
    '/people/u/.config/ronctl/ron-kms.toml': 'max_conns = 2',
    '/xdg/ronctl/ron-kms.toml': 'max_conns = 3',
    '/etc/ron/ron-kms.toml': 'max_conns = 4',
    '/named.toml': 'max_conns = 5',
  };
  const only = (...names: (keyof typeof everywhere)[]) =>
    Object.fromEntries(names.map((name) => [name, everywhere[name]]));
  const cases: readonly (readonly [string, TestSources, number])[] = [
    ['home first', { files: everywhere }, 1],
    ['with RONCTL_HOME nothing outside it', { files: only('/etc/ron/ron-kms.toml', '/xdg/ronctl/ron-kms.toml') }, 1024],
    ['then the user', { env: { RONCTL_HOME: '' }, files: everywhere }, 2],
    ['XDG_CONFIG_HOME', { env: { RONCTL_HOME: '', XDG_CONFIG_HOME: '/xdg' }, files: everywhere }, 3],
    ['then the machine', { env: { RONCTL_HOME: '' }, files: only('/etc/ron/ron-kms.toml') }, 4],
    [
      'never the home when nothing says where it is',
      { env: { RONCTL_HOME: '' }, files: only('/h/ron-kms.toml') },
      1024,
    ],
    ['a variable before all', { env: { RON_KMS_CONFIG: '/named.toml' }, files: everywhere }, 5],
    ['a flag before all', { env: { RON_KMS_CONFIG: '/x' }, flags: { config: '/named.toml' }, files: everywhere }, 5],
  ];
  test.each(cases)('%s', async (_name, sources, expected) => {
    const { config } = await resolveOf(sources);
    expect(config.max_conns).toBe(expected);
  });

  test('a named file must be there', async () => {
    await expect(resolveOf({ flags: { config: 'x.toml' } })).rejects.toMatchObject({
      code: 'NotFound',
      message: 'there is no configuration file /work-here/x.toml',
      field: '--config',
    });
  });
});

describe('the profile of home or genesis', () => {
  const fixed = { profile: 'macronode', by: 'ledger abc' } as const;
  const others: readonly (readonly [string, TestSources])[] = [
    ['/h/ron-kms.toml:1', { file: 'profile = "dev"' }],
    ['RON_KMS_PROFILE', { env: { RON_KMS_PROFILE: 'dev' } }],
    ['--profile', { flags: { profile: 'dev' } }],
  ];
  test.each(others)('refuses another one from %s', async (origin, sources) => {
    const { violations, config } = await resolveOf({ ...sources, fixed });
    expect(violations).toMatchObject([{ code: 'RefusedConfig', key: 'profile', origin }]);
    expect(violations[0]!.message).toBe(`${origin}: profile dev is not macronode, which ledger abc says`);
    expect(config.profile).toBe('macronode');
  });

  test('takes the same one', async () => {
    const { violations, origins } = await resolveOf({ file: 'profile = "macronode"', fixed });
    expect([violations, origins.get('profile')]).toEqual([[], 'ledger abc']);
  });
});

test('a load throws all of it at once', async () => {
  const sources = serverSources({ file: 'max_con = 1\nread_timeout = 5\n', env: { X0TTA6BL4_PRODUCTION: '1' } });
  await expect(loadServerConfig(sources)).rejects.toMatchObject({
    code: 'RefusedConfig',
    exit: 3,
    message: expect.stringMatching(new RegExp(`X0TTA6BL4_PRODUCTION.*${HOME}/ron-kms.toml:2:1: read_timeout`, 's')),
  });
  await expect(loadServerConfig(serverSources({ env: { X0TTA6BL4_PRODUCTION: '1' } }))).rejects.toMatchObject({
    code: 'Unsupported',
  });
});
