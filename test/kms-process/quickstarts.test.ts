// The three quickstarts of the configuration documents as processes (CFG-62): by variables, by file, by flags.

import { describe, expect, it, onTestFinished } from 'vitest';
import { TestHome } from '../support/binary.ts';
import { http, metric, startServer, tryServer } from '../support/server.ts';

function newHome(): TestHome {
  const home = new TestHome();
  onTestFinished(() => home.remove());
  return home;
}

describe('the documented quickstarts', () => {
  it('dev or micronode by variables', async () => {
    const home = newHome();
    const env = {
      RON_KMS_BIND_ADDR: '127.0.0.1:7441',
      RON_KMS_BACKEND: 'inmem',
      RON_KMS_AMNESIA: '1',
      RON_KMS_PQ_PRODUCE_HYBRID: '1',
      RON_KMS_PQ_VERIFY_MODE: 'or',
      RON_KMS_SIGN_RATE_LIMIT: '200',
    };
    for (const profile of ['dev', 'micronode']) {
      const started = await startServer(home, ['--json'], { bare: true, env: { ...env, RON_KMS_PROFILE: profile } });
      expect(started.ready).toMatchObject({ addr: '127.0.0.1:7441', backend: 'inmem', amnesia: true, profile });
      const version = await http('127.0.0.1:7441', { path: '/version' });
      expect(JSON.parse(version.body)).toMatchObject({ profile, flags: { amnesia: true, backend: 'inmem' } });
      const page = (await http(started.ready.metrics_addr, { path: '/metrics' })).body;
      expect(metric(page, 'kms_pq_mode{mode="or"}')).toBe(1);
      expect(await started.stop()).toBe(0);
    }
  });

  it('macronode by file: every value is read; the hardware backend is refused by name', async () => {
    const home = newHome();
    const text = (backend: string, more: string): string =>
      `profile = "macronode"
bind_addr = "0.0.0.0:7441"
max_conns = 2048

[service]
backend = "${backend}"
${more}
[security]
attest_require = "required"
time_skew_tolerance_ms = 1000

[entropy_time]
rng_reseed_interval_ops = 200000
`;
    home.write(
      'hardware.toml',
      `${text('pkcs11', 'multi_backends = ["pkcs11", "file"]\n')}\n[audit]\nsealing = "attested"\n`,
    );
    const hardware = await tryServer(home, ['--config', 'hardware.toml', '--json'], { bare: true });
    expect(hardware.exit).toBe(3);
    for (const named of ['pkcs11', 'attested', '0.0.0.0:7441']) expect(hardware.stdout).toContain(named);

    home.write('file.toml', text('file', ''));
    const open = await tryServer(home, ['--config', 'file.toml', '--json'], { bare: true });
    expect([open.exit, open.stdout]).toEqual([3, expect.stringContaining('not loopback and tls.enabled is false')]);
    expect(home.exists()).toBe(false);

    // Without TCP of its own: the Unix socket and the metrics listener.
    await home.json(['init', '--profile', 'macronode', '--passphrase-file', home.passphrase('store')]);
    home.write('socket.toml', text('file', '').replace('bind_addr = "0.0.0.0:7441"\n', ''));
    const server = await startServer(home, ['--config', 'socket.toml']);
    expect(server.ready).toMatchObject({ addr: null, profile: 'macronode', backend: 'file', governed: false });
    expect((await http(server.ready.socket!, { path: '/healthz' })).status).toBe(200);
    expect(await server.stop()).toBe(0);
  });

  it('by flags', async () => {
    const home = newHome();
    const argv =
      '--bind 127.0.0.1:7441 --metrics 127.0.0.1:0 --max-conns 512 --read-timeout 5s --write-timeout 5s --idle-timeout 60s ' +
      '--backend inmem --amnesia --attest if-available --allowed-algs ed25519,ml-dsa,x25519,ml-kem --pq-produce-hybrid ' +
      '--pq-verify or --pq-rollout 100 --verify-cache-ttl 300000 --audit-checkpoint-ops 5000 --log-format json --json';
    const server = await startServer(home, argv.split(' '), { bare: true });
    expect(server.ready).toMatchObject({ addr: '127.0.0.1:7441', backend: 'inmem', amnesia: true });
    expect((await http(server.ready.metrics_addr, { path: '/readyz' })).status).toBe(200);
    expect(await server.stop()).toBe(0);
  });
});
