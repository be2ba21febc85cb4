import {
  chmodSync,
  copyFileSync,
  cpSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, it } from 'vitest';
import { toBase64Url } from '../../src/bytes/base64.ts';
import { utf8 } from '../../src/bytes/text.ts';
import { verifySignerBundle } from '../../src/governance/signer-bundle.ts';
import { readSignerBundle, signerIds } from '../../src/storage/signer-bundle-file.ts';
import { createSigner, restoreSigner } from '../../src/storage/signer-creation.ts';
import { openSigner } from '../../src/storage/signer-store.ts';
import { storeContext } from '../../src/storage/store-deps.ts';
import { testCrypto } from '../support/crypto.ts';
import { exists, FAST_KDF, fixedPassphrases, storeDeps, temporaryHome } from '../support/store.ts';

const LEDGER = 'gl-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';

async function home(id = 'alice') {
  const path = temporaryHome();
  const deps = storeDeps(path);
  const bundle = await createSigner(deps, id, FAST_KDF);
  return { path, deps, bundle, directory: `${path}/signers/${id}` };
}

describe('a signer store', () => {
  it('is made with a bundle whose keys it holds, and private modes whatever the umask', async () => {
    const old = process.umask(0o777);
    try {
      const { deps, path, directory, bundle } = await home();
      const signer = await openSigner(deps, 'alice');
      const keys = await signer.keys();
      expect(bundle.bundle.keys.ed25519).toBe(toBase64Url(keys.ed25519.publicKey));
      expect(bundle.bundle.keys.ml_dsa_65).toBe(toBase64Url(keys.mlDsa.publicKey));
      expect(signer.pairs.map((pair) => pair.n)).toEqual([1]);
      signer.close();
      expect(readdirSync(directory).sort()).toEqual(['lock', 'manifest.ronk', 'records', 'root.ronk', 'signer.json']);
      expect(signerIds(await storeContext(deps))).toEqual(['alice']);
      const files = deps.host.files;
      expect(files.info(path)?.mode).toBe(0o700);
      for (const name of ['manifest.ronk', 'root.ronk', 'signer.json']) {
        expect(files.info(`${directory}/${name}`)?.mode).toBe(0o600);
      }
    } finally {
      process.umask(old);
    }
  });

  it('refuses a second one of the same id, and ids that are none', async () => {
    const { deps } = await home();
    await expect(createSigner(deps, 'alice', FAST_KDF)).rejects.toMatchObject({ code: 'Exists', field: 'id' });
    for (const id of ['Alice', 'service', '../x', '', 'a'.repeat(65)]) {
      await expect(createSigner(deps, id, FAST_KDF)).rejects.toMatchObject({ code: 'InvalidValue', field: 'id' });
    }
    await expect(openSigner(deps, 'bob')).rejects.toMatchObject({
      code: 'NotInitialised',
      hint: 'Signers here: alice. A new one: ronctl signer create bob',
    });
  });

  it('opens with its passphrase only, and says so', async () => {
    const { path } = await home();
    const wrong = storeDeps(path, { passphrases: fixedPassphrases({ alice: 'no' }) });
    await expect(openSigner(wrong, 'alice')).rejects.toMatchObject({ code: 'WrongPassphrase' });
  });

  it('is held by one process at a time', async () => {
    const { deps } = await home();
    const first = await openSigner(deps, 'alice');
    await expect(openSigner(deps, 'alice')).rejects.toMatchObject({ code: 'Locked' });
    first.close();
    (await openSigner(deps, 'alice')).close();
  });

  it('remembers what was signed, per ledger', async () => {
    const { deps } = await home();
    const signer = await openSigner(deps, 'alice');
    expect(signer.memory(LEDGER)).toBeNull();
    await signer.commitMemory(LEDGER, { newest: null, statements: [] });
    await signer.commitMemory(LEDGER, { newest: null, statements: [{ at: 'now' }] });
    signer.close();
    const again = await openSigner(deps, 'alice');
    expect(again.memory(LEDGER)).toEqual({ newest: null, statements: [{ at: 'now' }] });
    again.close();
  });

  it('refuses to write what it could not read again, and stays as it was', async () => {
    const { deps } = await home();
    const signer = await openSigner(deps, 'alice');
    await signer.commitMemory(LEDGER, { newest: null, statements: [] });
    const huge = { newest: null, statements: Array.from({ length: 70_000 }, (_, n) => `${n} ${'x'.repeat(60)}`) };
    await expect(signer.commitMemory(LEDGER, huge)).rejects.toMatchObject({ code: 'LimitReached' });
    expect(signer.memory(LEDGER)).toEqual({ newest: null, statements: [] });
    signer.close();
    (await openSigner(deps, 'alice')).close();
  });

  it('rotates: the new bundle is signed by both pairs, the old pair still signs', async () => {
    const { deps, bundle } = await home();
    const signer = await openSigner(deps, 'alice');
    const rotated = await signer.rotate();
    expect(rotated.bundle.prev).toEqual({ digest: bundle.digest, keys: bundle.bundle.keys });
    expect(rotated.envelope.signatures.map((one) => one.keyid).sort()).toEqual([
      'alice/ed25519',
      'alice/ml-dsa',
      'alice@prev/ed25519',
      'alice@prev/ml-dsa',
    ]);
    const old = await signer.keysFor(bundle.bundle.keys);
    expect(toBase64Url(old.ed25519.publicKey)).toBe(bundle.bundle.keys.ed25519);
    signer.close();
    expect(readSignerBundle(await storeContext(deps), 'alice').digest).toBe(rotated.digest);
    // Without the old pair's signatures it is no bundle of alice any more.
    const stripped = {
      ...rotated.envelope,
      signatures: rotated.envelope.signatures.filter((one) => !one.keyid.startsWith('alice@prev')),
    };
    expect(() => verifySignerBundle(testCrypto(), stripped, 'x')).toThrow(/exactly the pairs/);
  });

  it('changes its passphrase: the old one stops, a copy made before still opens with it', async () => {
    const { deps, path, directory } = await home();
    cpSync(`${directory}/root.ronk`, `${path}/old-root`);
    const signer = await openSigner(deps, 'alice');
    await signer.changePassphrase(utf8('second'), FAST_KDF);
    signer.close();
    await expect(openSigner(deps, 'alice')).rejects.toMatchObject({ code: 'WrongPassphrase' });
    const second = storeDeps(path, { passphrases: fixedPassphrases({ alice: 'second' }) });
    (await openSigner(second, 'alice')).close();
    // An old root record put back is not the one that the manifest names.
    copyFileSync(`${path}/old-root`, `${directory}/root.ronk`);
    await expect(openSigner(deps, 'alice')).rejects.toMatchObject({
      code: 'Tampered',
      message: expect.stringContaining('not the root record that the manifest names'),
    });
  });

  it('goes through a backup without its memory, and then signs nothing until it is resynced', async () => {
    const { deps, bundle } = await home();
    const signer = await openSigner(deps, 'alice');
    await signer.commitMemory(LEDGER, { newest: null, statements: [] });
    const file = await signer.backup(utf8('on paper'), FAST_KDF);
    signer.close();

    const elsewhere = temporaryHome();
    const passphrases = fixedPassphrases({ alice: 'on paper' }, { alice: 'third' });
    const restored = await restoreSigner(
      storeDeps(elsewhere, { passphrases }),
      { bytes: file, what: 'B' },
      { kdf: FAST_KDF },
    );
    expect(restored.digest).toBe(bundle.digest);
    const third = storeDeps(elsewhere, { passphrases: fixedPassphrases({ alice: 'third' }) });
    const again = await openSigner(third, 'alice');
    expect(() => again.memory(LEDGER)).toThrow(/does not know what it has signed/);
    await again.commitMemory(LEDGER, { newest: null, statements: [] });
    expect(again.memory(LEDGER)).toEqual({ newest: null, statements: [] });
    expect(() => again.memory(LEDGER.replace('gl', 'drill'))).toThrow(/was restored from a backup/);
    again.close();

    await expect(restoreSigner(third, { bytes: file, what: 'B' }, { kdf: FAST_KDF })).rejects.toMatchObject({
      code: 'Exists',
    });
    const wrong = storeDeps(temporaryHome());
    await expect(restoreSigner(wrong, { bytes: file, what: 'B' }, { kdf: FAST_KDF })).rejects.toMatchObject({
      code: 'WrongPassphrase',
    });
    expect(exists(wrong.home)).toBe(false);
  });
});

describe('a damaged signer store', () => {
  it.each([
    ['a record of another store', (directory: string, other: string) => swapRecord(directory, other)],
    ['a truncated record', (directory: string) => truncateRecord(directory)],
    ['a missing record', (directory: string) => rmSync(`${directory}/records/${record(directory)}`)],
    ['a truncated manifest', (directory: string) => truncate(`${directory}/manifest.ronk`)],
    ['a truncated root', (directory: string) => truncate(`${directory}/root.ronk`)],
    ['a missing root', (directory: string) => rmSync(`${directory}/root.ronk`)],
    [
      'a bundle of somebody else',
      (directory: string, other: string) => copyFileSync(`${other}/signer.json`, `${directory}/signer.json`),
    ],
  ] as const)('%s is Tampered', async (_name, damage) => {
    const { deps, directory } = await home();
    const other = await home();
    damage(directory, other.directory);
    await expect(openSigner(deps, 'alice')).rejects.toMatchObject({ code: 'Tampered' });
  });

  it('an older record under its own name is Tampered', async () => {
    const { deps, directory } = await home();
    const signer = await openSigner(deps, 'alice');
    await signer.commitMemory(LEDGER, { newest: null, statements: [] });
    const before = new Set(readdirSync(`${directory}/records`));
    const [older] = [...before].filter((name) => name.includes('.2.'));
    const bytes = readFileSync(`${directory}/records/${older}`);
    await signer.commitMemory(LEDGER, { newest: null, statements: [{ at: 'later' }] });
    const [newer] = readdirSync(`${directory}/records`).filter((name) => !before.has(name));
    writeFileSync(`${directory}/records/${newer}`, bytes, { mode: 0o600 });
    expect(() => signer.memory(LEDGER)).toThrow(/not the one that the manifest names/);
    signer.close();
    // A stray older file beside it is ignored and swept.
    expect(older).toBeDefined();
    void deps;
  });

  it.each([
    ['group-readable file', (directory: string) => chmodSync(`${directory}/root.ronk`, 0o640)],
    ['group-readable directory', (directory: string) => chmodSync(directory, 0o750)],
    ['world-readable home', (directory: string) => chmodSync(`${directory}/../..`, 0o755)],
    ['linked record', (directory: string) => link(`${directory}/manifest.ronk`)],
    ['linked directory', (directory: string) => link(`${directory}/records`)],
  ] as const)('%s is UnsafeFile', async (_name, damage) => {
    const { deps, directory } = await home();
    damage(directory);
    await expect(openSigner(deps, 'alice')).rejects.toMatchObject({ code: 'UnsafeFile' });
  });
});

const record = (directory: string): string => readdirSync(`${directory}/records`)[0]!;
const truncate = (path: string): void => writeFileSync(path, readFileSync(path).subarray(0, 200));
const truncateRecord = (directory: string): void => truncate(`${directory}/records/${record(directory)}`);
function swapRecord(directory: string, other: string): void {
  copyFileSync(`${other}/records/${record(other)}`, `${directory}/records/${record(directory)}`);
}
function link(path: string): void {
  cpSync(path, `${path}.elsewhere`, { recursive: true });
  rmSync(path, { recursive: true });
  symlinkSync(`${path}.elsewhere`, path);
}
