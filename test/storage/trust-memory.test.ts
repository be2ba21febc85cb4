// What a home remembers of a log: forward only, along consistency proofs, and one log under one pair of keys.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  createLogVerifier,
  logVkeys,
  signCheckpoint,
  type TrustedLog,
  type VerifiedCheckpoint,
} from '../../src/audit/checkpoint.ts';
import { leafHash } from '../../src/audit/leaf.ts';
import { Frontier, type Subtree } from '../../src/audit/tree.ts';
import { utf8 } from '../../src/bytes/text.ts';
import { nodeFiles } from '../../src/cli/node-files.ts';
import { nativeCrypto } from '../../src/crypto/native.ts';
import { readRemembered, rememberCheckpoint } from '../../src/storage/trust-memory.ts';
import { countingRandom, logKeys } from '../support/audit.ts';

const ORIGIN = 'ronctl.invalid/0123456789abcdef0123456789abcdef/e0';

async function setUp(label = 'log') {
  const home = mkdtempSync(join(tmpdir(), 'ronctl-trust-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const keys = await logKeys(label);
  const vkeys = logVkeys(ORIGIN, keys);
  const log: TrustedLog = {
    origin: ORIGIN,
    keys: [{ from: 0, vkeys }],
    serviceKeys: { ed25519: new Uint8Array(), ml_dsa_65: new Uint8Array() },
    trust: 'local',
  };
  const verifier = createLogVerifier(log, nativeCrypto());
  const tree = (size: number, word: string): Frontier => {
    const frontier = new Frontier();
    for (let n = 0; n < size; n++) frontier.append(leafHash(utf8(n < 3 ? `record ${n}` : `${word} ${n}`)));
    return frontier;
  };
  const sign = async (size: number, word = 'record', time = 1_763_000_000): Promise<VerifiedCheckpoint> => {
    const body = { origin: ORIGIN, size, root: tree(size, word).root() };
    const answer = verifier.check(await signCheckpoint(body, time, [keys]));
    if (!answer.ok) throw new Error(answer.message);
    return answer.checkpoint;
  };
  const read =
    (word = 'record') =>
    ({ level, index }: Subtree): Uint8Array => {
      const part = new Frontier();
      for (let n = 0; n < 2 ** level; n++) {
        const seq = index * 2 ** level + n;
        part.append(leafHash(utf8(seq < 3 ? `record ${seq}` : `${word} ${seq}`)));
      }
      return part.root();
    };
  const directory = join(home, 'trust/logs');
  const deps = { files: nodeFiles(), random: countingRandom(), crypto: nativeCrypto(), directory };
  return { home, log, verifier, sign, read, deps, directory };
}

test('it moves forward with a proof, stays for the same note, and ignores an older one', async () => {
  const { log, verifier, sign, read, deps, directory } = await setUp();
  expect(readRemembered(deps.files, directory, verifier)).toBeNull();
  const four = await sign(4);
  expect(await rememberCheckpoint(deps, log, four, read())).toBe('moved');
  expect(await rememberCheckpoint(deps, log, four, read())).toBe('same');
  expect(await rememberCheckpoint(deps, log, await sign(9), read())).toBe('moved');
  expect(await rememberCheckpoint(deps, log, four, read())).toBe('older');
  expect(readRemembered(deps.files, directory, verifier)!.size).toBe(9);
  expect(await rememberCheckpoint(deps, log, await sign(9, 'record', 1_763_000_060), read())).toBe('moved');
});

test('another log of a larger or the same size is a fork, with both notes kept', async () => {
  const { log, sign, read, deps, directory, verifier } = await setUp();
  await rememberCheckpoint(deps, log, await sign(5), read());
  for (const size of [5, 12]) {
    const other = await sign(size, 'other');
    await expect(rememberCheckpoint(deps, log, other, read('other'))).rejects.toMatchObject({
      code: 'Tampered',
      field: 'fork',
    });
  }
  expect(readRemembered(deps.files, directory, verifier)!.size).toBe(5);
  const evidence = readdirSync(directory).filter((name) => name.endsWith('.evidence.json'));
  expect(evidence).toHaveLength(2);
  const { kind, type, objects } = JSON.parse(readFileSync(join(directory, evidence[0]!), 'utf8')) as {
    kind: string;
    type: string;
    objects: { checkpoint_b64: string }[];
  };
  expect([kind, type]).toEqual(['fork', 'application/vnd.ron.gov.evidence.v1+json']);
  for (const one of objects) expect(verifier.check(Buffer.from(one.checkpoint_b64, 'base64')).ok).toBe(true);
});

test('the same origin under other keys is refused, and so is a memory that does not verify', async () => {
  const one = await setUp();
  await rememberCheckpoint(one.deps, one.log, await one.sign(4), one.read());
  const other = await setUp('attacker');
  expect(() => readRemembered(one.deps.files, one.directory, other.verifier)).toThrow(/other log keys/);
  const file = join(one.directory, readdirSync(one.directory)[0]!);
  writeFileSync(file, readFileSync(file, 'utf8').replace('\n4\n', '\n3\n'));
  expect(() => readRemembered(one.deps.files, one.directory, one.verifier)).toThrow(/Ed25519 log signature is wrong/);
});
