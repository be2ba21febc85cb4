// A real server with a witness policy: its checkpoints are cosigned without being asked, a missing witness hurts nothing, and
// who reads the server demands the quorum.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AuditVerifyResult } from '../../src/operations/audit/verify-result.ts';
import type { WitnessKeysResult } from '../../src/operations/audit/witness.ts';
import { temporaryHome } from '../support/binary.ts';
import { makeSigners, makeStore } from '../support/floor-home.ts';
import { http, metric, startServer, tryServer } from '../support/server.ts';
import { startWitness } from '../support/witness-process.ts';

const home = temporaryHome();
const witness = temporaryHome();
const pass = (): string[] => ['--passphrase-file', witness.passphrase('alice')];
let logLines: readonly string[] = [];
let keys: WitnessKeysResult;

const policy = (name: string, url: string): string => {
  const lines = keys.policy_lines.map((line) => (line.startsWith('witness ') ? `${line} ${url}` : line));
  return home.write(name, [...logLines, ...lines, 'quorum alice', ''].join('\n'));
};

async function until(done: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await done())) await new Promise((resolve) => setTimeout(resolve, 100));
}

beforeAll(async () => {
  await makeStore(home);
  await makeSigners(witness, 'alice');
  keys = (await witness.json<WitnessKeysResult>(['audit', 'witness', '--show-keys', ...pass()])).data!;
  const file = JSON.parse(readFileSync(join(home.path, 'audit/log.json'), 'utf8')) as {
    readonly epochs: readonly { readonly keys: readonly { readonly vkeys: readonly string[] }[] }[];
  };
  logLines = file.epochs[0]!.keys[0]!.vkeys.map((vkey) => `log ${vkey}`);
});

describe('a server with a witness policy', () => {
  it('is ready without its witness, asks again, and keeps what it says', async () => {
    const logs = witness.write('logs.policy', [...logLines, 'quorum none', ''].join('\n'));
    const first = await startWitness(witness, ['--policy', logs, ...pass()]);
    const address = new URL(first.ready.url).host;
    await first.stop();
    const file = policy('witnesses.policy', first.ready.url);
    const env = { RON_KMS_AUDIT_POLICY_FILE: file, RON_KMS_AUDIT_TLOG: 'hashes' };
    const server = await startServer(home, [], { env });
    const value = async (series: string): Promise<number> => {
      const page = await http(server.ready.metrics_addr, { path: '/metrics' });
      return metric(page.body, series) ?? 0;
    };
    await until(async () => (await value('kms_audit_witness_total{result="err"}')) > 0);
    const ready = await http(server.ready.metrics_addr, { path: '/readyz' });
    expect(ready.status).toBe(200);
    expect(ready.body).not.toContain('witness');
    expect(server.stderr()).toContain('witness_failed');

    const cosigned = join(home.path, 'audit/e0/cosigned');
    expect(existsSync(cosigned)).toBe(false);
    const serving = await startWitness(witness, ['--listen', address, '--policy', logs, ...pass()]);
    await until(() => existsSync(cosigned));
    await until(async () => (await value('kms_audit_cosigned_size')) > 0);
    const published = await http(server.ready.tlog_addr!, { path: '/checkpoint' });
    expect(published.body).toContain(keys.name);
    const online = ['audit', 'verify', '--kms', 'local', '--policy', file];
    const { data } = await home.json<AuditVerifyResult>(online);
    expect(data).toMatchObject({ kind: 'server', verdict: 'consistent', witnessed: { quorum: { met: true } } });
    expect(await server.stop()).toBe(0);
    expect((await serving.stop()).last.data!.cosigned).toBeGreaterThan(0);
  });

  it('does not start with a policy that is none', async () => {
    const broken = home.write('broken.policy', 'witness a b\n');
    for (const [file, message] of [
      [broken, /audit\.policy_file: .*broken\.policy: line 1: vkey/],
      [home.file('absent.policy'), /audit\.policy_file: there is no file/],
    ] as const) {
      const { server, exit, stdout } = await tryServer(home, [], { env: { RON_KMS_AUDIT_POLICY_FILE: file } });
      expect([server, exit]).toEqual([null, 3]);
      const { error } = JSON.parse(stdout.trim()) as {
        readonly error: { readonly code: string; readonly message: string };
      };
      expect(error.code).toBe('RefusedConfig');
      expect(error.message).toMatch(message);
    }
  });
});
