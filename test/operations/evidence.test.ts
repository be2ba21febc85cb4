import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type JsonObject, parseCanonicalFile } from '../../src/bytes/canonical-json.ts';
import { nodeHost } from '../../src/cli/node-host.ts';
import { sha256Hex } from '../../src/crypto/hash.ts';
import { nativeCrypto } from '../../src/crypto/native.ts';
import { RonError } from '../../src/errors.ts';
import { EVIDENCE_FORMAT, evidence } from '../../src/operations/evidence.ts';
import { initCustody } from '../../src/storage/custody-creation.ts';
import { readManPage } from '../support/man-page.ts';
import { FAST_KDF, storeDeps, temporaryHome } from '../support/store.ts';

async function madeHome(): Promise<string> {
  const home = temporaryHome();
  const store = await initCustody(storeDeps(home), {
    profile: 'dev',
    base: 'ronctl.invalid',
    actor: 'local:0:test',
    version: '0.1.0',
    kdf: FAST_KDF,
  });
  await store.checkpoint();
  await store.close();
  return home;
}

const deps = (home: string) => ({
  host: nodeHost(),
  home,
  crypto: async () => nativeCrypto(),
  onProgress: () => undefined,
});
const request = (home: string, since = '2026-01-01T00:00:00.000Z') => ({
  since,
  out: `${home}-evidence`,
  reports: { 'version.json': { version: '0.1.0' } },
});

const filesOf = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name).slice(directory.length + 1))
    .sort();

describe('evidence', () => {
  it('takes log, public view and reports along, and no secret', async () => {
    const home = await madeHome();
    const result = await evidence(request(home), deps(home));
    const files = filesOf(result.out);
    expect(files).toEqual(
      expect.arrayContaining([
        'home.json',
        'store/public.json',
        'audit/log.json',
        'audit/e0/checkpoint',
        'audit/e0/checkpoints.jsonl',
        'audit/e0/segments/000000.jsonl',
        'version.json',
        'policy.json',
        'evidence.json',
      ]),
    );
    expect(files.filter((one) => /\.ronk$|(?:^|\/)(?:lock|head|holder\.json|store\.lock)$|\.tmp$/.test(one))).toEqual(
      [],
    );
    expect(result.private_keys_opened).toBe(false);
    expect(result.files).toBe(files.length);
    const policy = parseCanonicalFile(readFileSync(join(result.out, 'policy.json')), 'policy.json');
    expect(policy).toMatchObject({ scopes: [{ scope: 'global', governed: false, profile: 'dev', trust: 'local' }] });
  });

  it('lists every file with its digest, and gives the digest of the list', async () => {
    const home = await madeHome();
    const result = await evidence(request(home), deps(home));
    const bytes = readFileSync(join(result.out, 'evidence.json'));
    expect(sha256Hex(bytes)).toBe(result.sha256);
    const manifest = parseCanonicalFile(bytes, 'evidence.json') as JsonObject;
    const page = readManPage('ronctl-audit-log.5').get('evidence.json')!;
    expect(page.items.map((one) => one.name).sort()).toEqual(Object.keys(manifest).sort());
    expect(page.text).toContain(EVIDENCE_FORMAT);
    expect(manifest['format']).toBe(EVIDENCE_FORMAT);
    const listed = manifest['files'] as Record<string, string>;
    expect(Object.keys(listed)).toEqual(filesOf(result.out).filter((one) => one !== 'evidence.json'));
    for (const [name, digest] of Object.entries(listed)) {
      expect([name, sha256Hex(readFileSync(join(result.out, name)))]).toEqual([name, digest]);
    }
  });

  it('copies bytes as they are, and leaves the home as it was', async () => {
    const home = await madeHome();
    const before = filesOf(home).map((one) => [one, sha256Hex(readFileSync(join(home, one)))]);
    const result = await evidence(request(home), deps(home));
    const after = filesOf(home).map((one) => [one, sha256Hex(readFileSync(join(home, one)))]);
    expect(after).toEqual(before);
    for (const name of ['audit/e0/segments/000000.jsonl', 'audit/e0/checkpoint', 'store/public.json']) {
      expect(readFileSync(join(result.out, name))).toEqual(readFileSync(join(home, name)));
    }
  });

  it('names the range: everything since the start, nothing since tomorrow', async () => {
    const home = await madeHome();
    const all = await evidence(request(home), deps(home));
    const lines = readFileSync(join(home, 'audit/e0/segments/000000.jsonl'), 'utf8').trimEnd().split('\n').length;
    expect(all.logs).toEqual([{ epoch: 0, from: 0, size: lines }]);
    const none = await evidence({ ...request(home, '2999-01-01T00:00:00.000Z'), out: `${home}-none` }, deps(home));
    expect(none.logs).toEqual([{ epoch: 0, from: lines, size: lines }]);
  });

  it('refuses a directory that holds something or lies in the home, and a home that is not there', async () => {
    const home = await madeHome();
    await evidence(request(home), deps(home));
    await expect(evidence(request(home), deps(home))).rejects.toMatchObject({ code: 'Exists', field: '--out' });
    const inside = { ...request(home), out: `${home}/evidence` };
    await expect(evidence(inside, deps(home))).rejects.toMatchObject({ code: 'InvalidValue', field: '--out' });
    const absent = temporaryHome();
    await expect(evidence(request(absent), deps(absent))).rejects.toMatchObject({ code: 'NotInitialised' });
  });

  it('says so when the home changes while it is copied', async () => {
    const home = await madeHome();
    const note = join(home, 'audit/e0/checkpoint');
    let changed = false;
    const act = evidence(request(home), {
      ...deps(home),
      onProgress: () => {
        if (changed) return;
        changed = true;
        writeFileSync(note, `${readFileSync(note, 'utf8')}x`);
      },
    });
    const error = await act.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(RonError);
    expect(error).toMatchObject({ code: 'Changing' });
  });
});
