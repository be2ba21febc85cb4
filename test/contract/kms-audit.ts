// The contract of the Audit, PublicFiles, Attesting and Health ports: bytes as they lie in the home, proofs that our own
// verifier takes and no changed one, files by name and nothing beside them, the state as the process knows it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createLogVerifier } from '../../src/audit/checkpoint.ts';
import { leafHash } from '../../src/audit/leaf.ts';
import { verifyConsistency } from '../../src/audit/proof.ts';
import { checkTlogProof, parseTlogProof } from '../../src/audit/tlog-proof.ts';
import { Frontier } from '../../src/audit/tree.ts';
import { fromBase64 } from '../../src/bytes/base64.ts';
import { sha256Hex } from '../../src/crypto/hash.ts';
import type { ServiceEvent } from '../../src/kms/admin-ports.ts';
import type { Call } from '../../src/kms/ports.ts';
import { testCrypto } from '../support/crypto.ts';
import {
  type AdminSubject,
  all,
  approved,
  asOperator,
  eachRefused,
  type MakeAdminSubject,
  OPERATOR,
  READER,
  TENANT,
  text,
} from './kms-admin-subject.ts';
import { call, capability, refused } from './kms-subject.ts';

const ROTATOR = capability(['kms:read', 'kms:rotate']);

const linesOf = async ({ kms }: AdminSubject, from = 0, to?: number): Promise<Uint8Array[]> => {
  const end = to ?? (await kms.audit.head({}, asOperator())).size;
  return all(kms.audit.records({ from, to: end }, asOperator()));
};

/** Roots of the first n lines, by n. */
function roots(lines: readonly Uint8Array[]): readonly Uint8Array[] {
  const frontier = new Frontier();
  return lines.map((line) => {
    frontier.append(leafHash(line));
    return frontier.root();
  });
}

const flipped = (bytes: Uint8Array, at: number): Uint8Array => bytes.with(at, bytes[at]! ^ 1);

export function auditContract(name: string, make: MakeAdminSubject): void {
  describe(`audit ${name}`, () => {
    it('gives the records line by line, in any pages', async () => {
      const of = await make();
      await approved(of);
      const lines = await linesOf(of);
      expect(lines.map((line) => (JSON.parse(text(line)) as { readonly seq: number }).seq)).toEqual(
        lines.map((_, n) => n),
      );
      const pages: Uint8Array[] = [];
      for (let from = 0; from < lines.length; from += 7) pages.push(...(await linesOf(of, from, from + 7)));
      expect(pages.map(text)).toEqual(lines.map(text));
      expect(await linesOf(of, lines.length, lines.length + 5)).toEqual([]);
      for await (const line of of.kms.audit.records({ from: 2, to: 5 }, asOperator())) {
        expect(text(line)).toBe(text(lines[2]!));
        break;
      }
      const error = await refused(of.soon(all(of.kms.audit.records({ from: -1, to: 5 }, asOperator()))));
      expect(error.code).toBe('InvalidValue');
    });

    it('proves every record under a signed checkpoint; a changed byte proves nothing', async () => {
      const of = await make();
      const { audit } = of.kms;
      const signed = await of.soon(audit.checkpoint({}, asOperator()));
      const lines = await linesOf(of);
      const verifier = createLogVerifier(of.log, testCrypto());
      const note = verifier.check(Buffer.from(signed.note));
      expect(note).toMatchObject({ ok: true, checkpoint: { origin: signed.origin, size: signed.size } });
      const all_ = roots(lines);
      expect(Buffer.from(all_[signed.size - 1]!).toString('hex')).toBe(signed.root);
      for (let index = 0; index < signed.size; index++) {
        const proof = parseTlogProof(await audit.inclusion({ index }, asOperator()), 'the proof');
        expect(checkTlogProof(proof, verifier), `record ${index}`).toMatchObject({ ok: true, index });
        expect(text(proof.extra!)).toBe(text(lines[index]!));
        const wrong = { ...proof, extra: null };
        expect(checkTlogProof(wrong, verifier, flipped(lines[index]!, 3))).toMatchObject({
          ok: false,
          code: 'leaf-mismatch',
        });
        if (proof.path.length === 0) continue;
        const path = proof.path.map((hash, n) => (n === 0 ? flipped(hash, 0) : hash));
        expect(checkTlogProof({ ...proof, path }, verifier)).toMatchObject({ ok: false, code: 'leaf-mismatch' });
      }
      const last = await audit.head({}, asOperator());
      expect((await refused(audit.inclusion({ index: last.size + 100 }, asOperator()))).code).toBe('NotFound');
    });

    it('proves that any smaller log is the beginning of any larger one, and of no other', async () => {
      const of = await make();
      const { audit } = of.kms;
      const { size } = await of.soon(audit.checkpoint({}, asOperator()));
      const root = roots(await linesOf(of, 0, size));
      for (let to = 1; to <= size; to++) {
        for (const from of new Set([1, Math.ceil(to / 2), to - 1, to])) {
          if (from < 1) continue;
          const hashes = (await audit.consistency({ from, to }, asOperator())).map((one) => fromBase64(one, 32)!);
          const [before, after] = [root[from - 1]!, root[to - 1]!];
          expect(verifyConsistency(from, to, before, after, hashes), `${from} to ${to}`).toBe(true);
          expect(verifyConsistency(from, to, flipped(before, 5), after, hashes)).toBe(false);
        }
      }
      for (const [from, to] of [
        [0, 3],
        [3, 2],
        [1, size + 1000],
      ] as const) {
        expect((await refused(audit.consistency({ from, to }, asOperator()))).code, `${from} ${to}`).toBe(
          'InvalidValue',
        );
      }
    });

    it('gives tiles whose hashes are those of the records, and none that is not there', async () => {
      const of = await make();
      const { audit } = of.kms;
      const { size } = await of.soon(audit.checkpoint({}, asOperator()));
      const lines = await linesOf(of, 0, size);
      const tile = await audit.tile({ level: 0, n: 0, width: size }, asOperator());
      expect(Buffer.from(tile)).toEqual(Buffer.concat(lines.map(leafHash)));
      for (const request of [
        { level: 0, n: 0, width: 257 },
        { level: 0, n: 1, width: 1 },
        { level: 1, n: 0, width: 1 },
        { level: 9, n: 0, width: 1 },
      ]) {
        expect((await refused(audit.tile(request, asOperator()))).code).toMatch(/^(?:NotFound|InvalidValue)$/);
      }
    });

    it('is for kms:audit of the instance', async () => {
      const { kms } = await make();
      const { audit, files } = kms;
      const asked = {
        checkpoint: (one: Call) => audit.checkpoint({}, one),
        head: (one: Call) => audit.head({}, one),
        records: (one: Call) => all(audit.records({ from: 0, to: 1 }, one)),
        tile: (one: Call) => audit.tile({ level: 0, n: 0, width: 1 }, one),
        inclusion: (one: Call) => audit.inclusion({ index: 0 }, one),
        consistency: (one: Call) => audit.consistency({ from: 1, to: 1 }, one),
        info: (one: Call) => files.info({ path: 'audit/log.json' }, one),
        list: (one: Call) => files.list({ path: 'audit' }, one),
        read: (one: Call) => files.read({ path: 'audit/log.json', offset: 0, length: 1 }, one),
      };
      for (const caller of [READER, TENANT]) await eachRefused('Denied', caller, asked);
    });
  });

  describe(`public files ${name}`, () => {
    /** Every public file, by walking. */
    async function walk({ kms }: AdminSubject, path: string): Promise<string[]> {
      const info = await kms.files.info({ path }, asOperator());
      if (info?.type === 'file') return [path];
      const names = await kms.files.list({ path }, asOperator());
      const below = await Promise.all(
        names.map((one) => walk({ kms } as AdminSubject, path === '' ? one : `${path}/${one}`)),
      );
      return below.flat();
    }

    it('are those of the home, whole and in pieces', async () => {
      const of = await make();
      const { files } = of.kms;
      await of.soon(of.kms.audit.checkpoint({}, asOperator()));
      const paths = await walk(of, '');
      expect(paths).toEqual(expect.arrayContaining(['store/public.json', 'ledger/000000.jsonl', 'audit/log.json']));
      for (const path of paths) {
        const stored = readFileSync(join(of.world.home, path));
        const info = await files.info({ path }, asOperator());
        expect([path, info!.sizeBytes]).toEqual([path, stored.length]);
        const whole = await files.read({ path, offset: 0, length: 600_000 }, asOperator());
        expect(text(whole!)).toBe(stored.toString());
        const step = Math.ceil(stored.length / 3);
        const pieces: Uint8Array[] = [];
        for (let offset = 0; offset < stored.length; offset += step) {
          pieces.push((await files.read({ path, offset, length: step }, asOperator()))!);
        }
        expect(Buffer.concat(pieces).equals(stored), path).toBe(true);
        expect(await files.read({ path, offset: stored.length + 1, length: 10 }, asOperator())).toHaveLength(0);
      }
    });

    it.each([
      'store/root.ronk',
      'store/manifest.ronk',
      'store/records',
      'inbox',
      'trust',
      'home.json',
      'run/kms.json',
      'ledger/../store/root.ronk',
      'ledger/./000000.jsonl',
      '/etc/passwd',
      '../home/home.json',
      '..',
      'audit/%2e%2e/home.json',
      'audit//log.json',
      'audit/log.json/',
      'audit\\..\\home.json',
      'audit/log.json\0.txt',
      'audit/export/x.cursor',
      'signers/alice/root.ronk',
      `audit/${'a/'.repeat(200)}x`,
    ])('nothing is said of %j', async (path) => {
      const { kms } = await make();
      for (const asked of [kms.files.info({ path }, asOperator()), kms.files.list({ path }, asOperator())]) {
        expect((await refused(asked)).code).toMatch(/^(?:NotFound|InvalidValue)$/);
      }
      // Over the network a file that is not there and one that is not shown are the same answer.
      const read = kms.files.read({ path, offset: 0, length: 10 }, asOperator());
      const outcome = await read.then(String, (error: unknown) => (error as { readonly code: string }).code);
      expect(outcome).toMatch(/^(?:null|NotFound|InvalidValue)$/);
    });

    it('a public path without a file is null, a place before it nothing', async () => {
      const { kms } = await make();
      expect(await kms.files.info({ path: 'store/keys/nothing.pub.json' }, asOperator())).toBeNull();
      expect(await kms.files.read({ path: 'audit/e9/checkpoint', offset: 0, length: 9 }, asOperator())).toBeNull();
      expect(await kms.files.list({ path: 'audit/e9' }, asOperator())).toEqual([]);
      const error = await refused(kms.files.read({ path: 'audit/log.json', offset: -1, length: 9 }, asOperator()));
      expect(error.code).toBe('InvalidValue');
    });
  });

  describe(`attesting ${name}`, () => {
    const KEY = { tenant: 'acme', purpose: 'release', alg: 'ed25519', newTenant: true } as const;

    it('gives evidence for the newest version or the one named, and records its digest', async () => {
      const of = await make();
      const { attesting, keys } = of.kms;
      const { kid } = await keys.create(KEY, call(ROTATOR));
      const rotated = await keys.rotate({ kid }, call(ROTATOR));
      const base = kid.split('#')[0]!;
      for (const [asked, answered] of [
        [base, rotated.kid],
        [kid, kid],
      ] as const) {
        const answer = await attesting.attest({ kid: asked }, call(ROTATOR));
        expect(answer).toMatchObject({ kid: answered, attestation: { class: 'software' } });
        const [line] = await linesOf(of, answer.audit!.index, answer.audit!.index + 1);
        expect(JSON.parse(text(line!))).toMatchObject({
          op: 'attest',
          op_id: answer.op_id,
          kid: answered,
          detail: { evidence_sha256: sha256Hex(Buffer.from(answer.attestation.evidence!)) },
        });
      }
      const dry = await attesting.attest({ kid }, call(ROTATOR, { dryRun: true }));
      expect(dry.audit).toBeNull();
    });

    it('for no version and no key that is not there, and for nobody else', async () => {
      const of = await make();
      const { attesting, keys } = of.kms;
      const { kid } = await keys.create(KEY, call(ROTATOR));
      const other = 'acme/release/ed25519/0190a5a0-0000-7000-8000-00000000000a';
      for (const asked of [`${kid.split('#')[0]}#v9`, other]) {
        expect((await refused(attesting.attest({ kid: asked }, call(ROTATOR)))).code).toBe('NotFound');
      }
      for (const asked of [kid, other]) {
        await eachRefused('Denied', capability(['kms:read', 'kms:sign']), {
          attest: (one) => attesting.attest({ kid: asked }, one),
        });
        await eachRefused('Denied', capability(['kms:rotate'], ['globex']), {
          attest: (one) => attesting.attest({ kid: asked }, one),
        });
      }
    });
  });

  describe(`health ${name}`, () => {
    it('says the state as the process knows it, to kms:read of the instance', async () => {
      const of = await make();
      await approved(of);
      const { verifyCache: _cache, ...said } = await of.kms.health.status({}, asOperator());
      const { verifyCache: _own, ...known } = of.state();
      // Bytes of a volume and of a clock move between the two.
      const still = { freeBytes: 0, capRootAgeDays: 0 };
      expect({ ...said, ...still }).toEqual({ ...JSON.parse(JSON.stringify(known)), ...still });
      await eachRefused('Denied', TENANT, { status: (one) => of.kms.health.status({}, one) });
    });

    it('streams events from a time on, by topic, until the caller goes', async () => {
      const of = await make();
      const startMs = of.nowMs();
      of.publish('kms.health', { n: 1 });
      of.publish('governance.executed', { n: 2 });
      const controller = new AbortController();
      const seen: ServiceEvent[] = [];
      const reading = (async () => {
        const request = { topic: 'kms', sinceMs: startMs };
        for await (const event of of.kms.health.events(request, call(OPERATOR, { signal: controller.signal }))) {
          seen.push(event);
          if (seen.length === 1) of.publish('kms.health', { n: 3 });
          if (seen.length === 2) break;
        }
      })();
      await reading;
      controller.abort();
      expect(seen.map(({ topic, data }) => [topic, data['n']])).toEqual([
        ['kms.health', 1],
        ['kms.health', 3],
      ]);
      expect(seen[1]!.seq).toBeGreaterThan(seen[0]!.seq);
    });
  });
}
