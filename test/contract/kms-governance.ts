// The contract of the Governance and Policy ports: signed objects come back as their bytes, every act is done once under its
// op_id, and nothing is done or told without the scope of the instance.

import { describe, expect, it } from 'vitest';
import { parseEnvelope } from '../../src/envelope/dsse.ts';
import { parseProposal } from '../../src/governance/proposal.ts';
import { parseReceipt } from '../../src/governance/receipt.ts';
import type { Call } from '../../src/kms/ports.ts';
import {
  type AdminSubject,
  all,
  approved,
  asOperator,
  eachRefused,
  inboxFiles,
  type MakeAdminSubject,
  READER,
  TENANT,
  text,
} from './kms-admin-subject.ts';
import { call, capability, refused } from './kms-subject.ts';

const UNKNOWN = 'gp-0190a5a0-0000-7000-8000-00000000000a';
const TUNE = { scope: 'global', key: 'caps.max_active', to: 110 } as const;

const opsOf = async ({ kms }: AdminSubject, op: string): Promise<number> => {
  const { size } = await kms.audit.head({}, asOperator());
  const lines = await all(kms.audit.records({ from: 0, to: size }, asOperator()));
  return lines.filter((line) => (JSON.parse(text(line)) as { readonly op: string }).op === op).length;
};

export function governanceContract(name: string, make: MakeAdminSubject): void {
  describe(`governance ${name}`, () => {
    it('takes signed files, and gives them back byte for byte', async () => {
      const of = await make();
      const { governance } = of.kms;
      const proposed = await of.world.propose({ changes: ['pq_mode=and'] });
      const files = inboxFiles(of.world);
      const answer = await of.soon(governance.submit({ files }, asOperator()));
      expect(answer.names).toEqual(files.map(() => expect.stringMatching(/^[0-9a-f]{64}\.json$/) as string));
      expect(answer.ingest).toMatchObject({
        ingested: [{ type: 'proposal', id: proposed.id, by: 'alice' }],
        refused: [],
        checkpoint: { size: expect.any(Number) as number, root: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
      });
      const [listed, ...more] = await governance.list({}, asOperator());
      expect(more).toEqual([]);
      expect(listed).toMatchObject({
        id: proposed.id,
        digest: proposed.digest,
        author: 'alice',
        status: 'open',
        approvals: 0,
        threshold: 2,
      });
      const got = await governance.get({ id: proposed.id }, asOperator());
      expect(got.proposal).toEqual(listed);
      expect(text(got.envelope)).toBe(text(files[0]!));
      expect(parseProposal(parseEnvelope(got.envelope, 'the proposal')).author).toBe('alice');
      expect(await governance.statements({ id: proposed.id }, asOperator())).toEqual([]);
      const request = JSON.parse(text(await governance.request({ id: proposed.id }, asOperator()))) as object;
      expect(JSON.stringify(request)).toContain('tlog_proof');
    });

    it('lists by status: what is open, and after its execution what is executed', async () => {
      const of = await make();
      const { governance } = of.kms;
      const { id } = await approved(of);
      const ids = async (status?: string): Promise<readonly string[]> =>
        (await governance.list(status === undefined ? {} : { status }, asOperator())).map((one) => one.id);
      const [now] = await governance.list({}, asOperator());
      expect(await ids(now!.status)).toEqual([id]);
      expect(await ids('executed')).toEqual([]);
      await of.soon(governance.execute({ id }, asOperator()));
      expect([await ids(), await ids('executed'), await ids(now!.status)]).toEqual([[id], [id], []]);
    });

    it('executes what has its quorum, once: the receipt of every repetition is the first one', async () => {
      const of = await make();
      const { governance, policy } = of.kms;
      const { id } = await approved(of);
      expect(await governance.statements({ id }, asOperator())).toHaveLength(2);
      const once = asOperator({ repeatable: true });
      const dry = await of.soon(governance.execute({ id }, asOperator({ dryRun: true })));
      expect([dry.envelope, dry.replayed]).toEqual([null, false]);
      expect((await policy.effective({ tenant: null }, asOperator())).verify_mode).toBe('or');
      const first = await of.soon(governance.execute({ id }, once));
      const receipt = parseReceipt(parseEnvelope(first.envelope!, 'the receipt'));
      expect(receipt).toMatchObject({ executed_by: expect.stringMatching(/^cap:1:/) as string });
      expect(first).toMatchObject({ id, replayed: false, refused: [] });
      for (const again of [once, asOperator()]) {
        const repeated = await of.soon(governance.execute({ id }, again));
        expect([repeated.replayed, text(repeated.envelope!)]).toEqual([true, text(first.envelope!)]);
      }
      expect((await policy.effective({ tenant: null }, asOperator())).verify_mode).toBe('and');
      expect(await opsOf(of, 'governance.execute')).toBe(1);
    });

    it('does not execute before the quorum, nor what the ledger does not know', async () => {
      const of = await make();
      const { governance } = of.kms;
      const { id } = await of.world.propose({ changes: ['pq_mode=and'] });
      await of.soon(governance.submit({ files: inboxFiles(of.world) }, asOperator()));
      expect((await refused(of.soon(governance.execute({ id }, asOperator())))).code).toBe('QuorumPending');
      expect((await refused(of.soon(governance.execute({ id: UNKNOWN }, asOperator())))).code).toBe('NotFound');
      const unknown = { id: UNKNOWN };
      for (const asked of [
        governance.get(unknown, asOperator()),
        governance.statements(unknown, asOperator()),
        governance.request(unknown, asOperator()),
      ]) {
        const error = await refused(asked);
        expect([error.code, error.message]).toEqual(['NotFound', expect.stringContaining(UNKNOWN)]);
      }
    });

    it('refuses forged files, none, too many and too large ones; a file that is known stays known', async () => {
      const of = await make();
      const { governance } = of.kms;
      await of.world.propose({ changes: ['pq_mode=and'] });
      const [file] = inboxFiles(of.world);
      const forged = Buffer.from(text(file!).replace(/"sig":"[A-Za-z0-9+/]{4}/, '"sig":"AAAA'));
      const judged = await of.soon(governance.submit({ files: [forged] }, asOperator()));
      expect(judged.ingest!.refused.map((one) => one.code)).toEqual(['VerificationFailed']);
      const submit = (files: readonly Uint8Array[]): Promise<unknown> => governance.submit({ files }, asOperator());
      expect((await refused(submit([]))).code).toBe('InvalidValue');
      expect((await refused(submit(Array<Uint8Array>(9).fill(file!)))).code).toBe('InvalidValue');
      expect((await refused(submit([new Uint8Array(65_537)]))).code).toMatch(/^(?:TooLarge|InvalidValue)$/);
      expect((await refused(submit([Buffer.from('{}')]))).code).toBe('Malformed');
      const first = await of.soon(governance.submit({ files: [file!] }, asOperator()));
      expect(first.ingest).toMatchObject({ ingested: [{ type: 'proposal' }], known: [], refused: [] });
      const again = await of.soon(governance.submit({ files: [file!] }, asOperator()));
      expect(again.ingest).toMatchObject({ ingested: [], known: [{ type: 'proposal' }], refused: [] });
      expect(again.names).toEqual(first.names);
      expect(await governance.list({}, asOperator())).toHaveLength(1);
    });

    it('a tune under one op_id is one tune; another one under it is a conflict', async () => {
      const of = await make();
      const { governance, policy } = of.kms;
      const dry = await of.soon(governance.tune(TUNE, asOperator({ dryRun: true })));
      expect(dry).toMatchObject({ from: 100, to: 110 });
      const once = asOperator({ repeatable: true });
      const first = await of.soon(governance.tune(TUNE, once));
      expect(first).toMatchObject({ ...TUNE, from: 100, baseline: 100 });
      const { checkpoint: _place, ...said } = first;
      expect(await of.soon(governance.tune(TUNE, once))).toMatchObject(said);
      const error = await refused(of.soon(governance.tune({ ...TUNE, to: 105 }, once)));
      expect([error.code, error.field]).toEqual(['Conflict', 'op_id']);
      expect(await opsOf(of, 'tune')).toBe(1);
      expect((await policy.effective({ tenant: null }, asOperator())).values['caps.max_active']).toBe('110');
    });

    it.each([
      ['a key that is none', { ...TUNE, key: 'caps.nothing' }],
      ['a key that only a proposal changes', { ...TUNE, key: 'pq_mode' }],
      ['a value beyond its band', { ...TUNE, to: 100_000 }],
      ['a scope that is none', { ...TUNE, scope: 'everything' }],
    ])('tunes nothing for %s', async (_what, request) => {
      const of = await make();
      const error = await refused(of.soon(of.kms.governance.tune(request, asOperator())));
      expect(error.code).toMatch(/^(?:InvalidValue|OutOfBand|UnknownKey)$/);
      expect(await opsOf(of, 'tune')).toBe(0);
    });

    it('rolls nothing back that no proposal allows', async () => {
      const of = await make();
      const request = { scope: 'global', durationS: null, proposalDigest: null };
      const error = await refused(of.soon(of.kms.governance.rollback(request, asOperator())));
      expect(error.code).toBe('NotFound');
      expect(await opsOf(of, 'rollback')).toBe(0);
    });

    it('streams the lines of the ledger from any place on', async () => {
      const of = await make();
      const { governance } = of.kms;
      await approved(of);
      const lines = (await all(governance.ledger({ fromSeq: 0 }, asOperator()))).map(text);
      expect(lines.map((line) => (JSON.parse(line) as { readonly seq: number }).seq)).toEqual(lines.map((_, n) => n));
      for (let from = 0; from <= lines.length; from++) {
        expect((await all(governance.ledger({ fromSeq: from }, asOperator()))).map(text)).toEqual(lines.slice(from));
      }
      for await (const line of governance.ledger({ fromSeq: 1 }, asOperator())) {
        expect(text(line)).toBe(lines[1]);
        break;
      }
      expect((await refused(all(governance.ledger({ fromSeq: -1 }, asOperator())))).code).toBe('InvalidValue');
    });

    const reads = (of: AdminSubject, id: string) => {
      const { governance, policy } = of.kms;
      return {
        list: (one: Call) => governance.list({}, one),
        get: (one: Call) => governance.get({ id }, one),
        statements: (one: Call) => governance.statements({ id }, one),
        request: (one: Call) => governance.request({ id }, one),
        ledger: (one: Call) => all(governance.ledger({ fromSeq: 0 }, one)),
        policy: (one: Call) => policy.effective({ tenant: null }, one),
      };
    };
    const acts = (of: AdminSubject, id: string, files: readonly Uint8Array[]) => {
      const { governance } = of.kms;
      return {
        submit: (one: Call) => governance.submit({ files }, one),
        ingest: (one: Call) => governance.ingest({}, one),
        execute: (one: Call) => governance.execute({ id }, one),
        tune: (one: Call) => governance.tune(TUNE, one),
        rollback: (one: Call) => governance.rollback({ scope: 'global', durationS: null, proposalDigest: null }, one),
      };
    };

    it('is for kms:read and kms:govern of the instance: known and unknown ids are refused alike', async () => {
      const of = await make();
      const { id } = await approved(of);
      const files = inboxFiles(of.world).slice(0, 1);
      const file = files.length === 0 ? [Buffer.from('{}')] : files;
      for (const one of [id, UNKNOWN]) {
        await eachRefused('Denied', TENANT, { ...reads(of, one), ...acts(of, one, file) });
        await eachRefused('Denied', READER, acts(of, one, file));
        await eachRefused('Denied', capability(['kms:govern'], ['_instance']), reads(of, one));
      }
      expect((await of.kms.governance.get({ id }, asOperator())).proposal.status).not.toBe('executed');
      expect(await opsOf(of, 'tune')).toBe(0);
    });
  });

  describe(`policy ${name}`, () => {
    it('says what is in force for all, and for one tenant to whoever reads it', async () => {
      const of = await make();
      const { policy } = of.kms;
      const global = await policy.effective({ tenant: null }, asOperator());
      expect(global).toMatchObject({
        scope: 'global',
        governed: true,
        phase: 1,
        verify_mode: 'or',
        produce_hybrid: true,
        trust: expect.stringMatching(/^(?:authenticated|local)$/) as string,
      });
      expect(global.values).toMatchObject({ 'pq.phase': '1', 'caps.max_active': '100' });
      expect(global.ledger_seq).toBe(of.state().ledgerSeq);
      const own = await policy.effective({ tenant: 'acme' }, call(TENANT));
      expect(own).toMatchObject({ ...global, scope: 'tenant:acme', values: expect.any(Object) as object });
      const error = await refused(policy.effective({ tenant: 'globex' }, call(TENANT)));
      expect(error.code).toBe('Denied');
      expect((await refused(policy.effective({ tenant: '../acme' }, asOperator()))).code).toBe('InvalidValue');
    });
  });
}
