// Requests and the key chain: an approver who holds only the pinned digest recomputes everything, and every change is found.

import { describe, expect, it } from 'vitest';
import { canonicalText } from '../../src/bytes/canonical-json.ts';
import { envelopeDigest } from '../../src/envelope/dsse.ts';
import { RonError } from '../../src/errors.ts';
import { removedIds } from '../../src/governance/actions.ts';
import type { ChainLink } from '../../src/governance/key-chain.ts';
import { followChain } from '../../src/governance/key-chain.ts';
import { decodeLine } from '../../src/governance/ledger.ts';
import { outcome } from '../../src/governance/outcome.ts';
import {
  encodeRequest,
  parseRequest,
  type Request,
  type VerifyHead,
  verifyRequest,
} from '../../src/governance/request.ts';
import { signerSetHash } from '../../src/governance/signer-set.ts';
import { viewOf } from '../../src/policy/view.ts';
import { crypto, genesisOf, type ProposeInput, signer, World } from '../support/governance.ts';
import { refusal } from '../support/refusal.ts';

const PROOF = 'a proof';

/** Accepts exactly the record that the world made. */
const headOf =
  (request: Request): VerifyHead =>
  ({ record, tlogProof }) => {
    if (tlogProof !== PROOF || Buffer.from(record).toString() !== request.head.record)
      throw new RonError('VerificationFailed', 'proof');
    return { origin: 'test/log/e0', size: 5, root: '0'.repeat(64), index: 4 };
  };

function requestOf(world: World, id: string, chain: readonly ChainLink[] = []): Request {
  const { proposal, statements } = world.state.open.get(id)!;
  const { governed, ledgerId, seq, hash } = world.state;
  return {
    genesis: world.genesisEnvelope,
    key_chain: chain,
    proposal: proposal.envelope,
    statements: statements.map((one) => one.envelope),
    view: viewOf({
      ledgerId,
      scope: proposal.body.scope,
      state: governed.policy,
      signerSetHash: signerSetHash(governed.set),
    }),
    head: {
      seq,
      hash,
      record: canonicalText({ op: 'manifest', detail: { ledger: { seq, hash } } }),
      tlog_proof: PROOF,
    },
  };
}

/** The executed change as a link, out of the lines of the world. */
function linkOf(world: World, id: string): ChainLink {
  const entry = world.state.index.get(id)!;
  const lines = [entry, ...entry.lines].map((place) => decodeLine(world.lines[place.seq]!));
  const of = (type: string) =>
    lines.flatMap((line) => (line.type === type ? [line.body as ChainLink['proposal']] : []));
  return {
    proposal: of('proposal')[0]!,
    statements: of('statement'),
    possessions: of('possession'),
    receipt: of('execution')[0]!,
  };
}

async function approvedIn(world: World, input: ProposeInput): Promise<string> {
  const id = await world.propose(input);
  for (const by of ['alice', 'bob']) await world.vote('approve', by, id);
  return id;
}

async function changed(world: World): Promise<string> {
  const dave = await signer('dave');
  const { set } = world.state.governed;
  const members = [
    ...set.members.filter((one) => one.id !== 'carol'),
    { id: 'dave', role: 'custodian' as const, keys: dave.keys },
  ];
  const removed = removedIds(set, { members, threshold: 2 }).map((id) => ({ id, reason: 'left' as const }));
  const id = await world.propose({
    action: { name: 'signer-set-change', new_set: { members, threshold: 2 }, removed },
  });
  for (const by of ['alice', 'bob']) await world.vote('approve', by, id);
  world.line({ type: 'possession', body: await world.possession(id, dave, 'custodian') });
  await world.execute(id);
  return id;
}

describe('a request', () => {
  it('is verified from the pinned digest alone and gives back what was proposed', async () => {
    const world = await World.create();
    const id = await world.propose({ scope: 'tenant:acme', changes: ['pq_mode=and'] });
    await world.vote('approve', 'bob', id);
    const request = requestOf(world, id);
    const read = parseRequest(encodeRequest(request), 'request');
    const verified = verifyRequest(crypto, read, world.state.genesis.digest, headOf(request));
    expect(verified).toMatchObject({
      proposal: { body: { id } },
      votes: { approvals: ['bob'], reached: false },
      head: { seq: world.state.seq },
    });
    expect(verified.after.policy.tenants['acme']).toMatchObject({ pq: { phase: 2 } });
  });

  it('under another pin is refused (10)', async () => {
    const world = await World.create();
    const request = requestOf(world, await world.propose());
    expect(refusal(() => verifyRequest(crypto, request, `sha256:${'0'.repeat(64)}`, headOf(request)))).toMatchObject({
      code: 'PinMismatch',
    });
  });

  it('with any byte changed is refused', async () => {
    const world = await World.create();
    const id = await world.propose();
    await world.vote('approve', 'bob', id);
    const request = requestOf(world, id);
    const file = encodeRequest(request);
    for (let index = 0; index < file.length; index += 191) {
      const broken = file.map((byte, at) => (at === index ? byte ^ 1 : byte));
      expect(
        () => verifyRequest(crypto, parseRequest(broken, 'request'), world.state.genesis.digest, headOf(request)),
        `byte ${index}`,
      ).toThrow(RonError);
    }
  });

  it('whose view, head or statements are of something else is refused, naming the member', async () => {
    const world = await World.create();
    const id = await world.propose();
    const other = await world.propose({ changes: ['caps.max_ttl_s=600'] });
    await world.vote('approve', 'bob', other);
    const request = requestOf(world, id);
    const verify = (patch: Partial<Request>) =>
      refusal(() => verifyRequest(crypto, { ...request, ...patch }, world.state.genesis.digest, headOf(request)));
    const { governed } = world.state;
    const looser = { ...governed.policy, global: { ...governed.policy.global, 'caps.max_ttl_s': 800 } };
    const view = viewOf({
      ledgerId: world.state.ledgerId,
      scope: 'global',
      state: looser,
      signerSetHash: signerSetHash(governed.set),
    });
    expect(verify({ view })).toMatchObject({ code: 'Stale', field: 'base_state.hash' });
    expect(verify({ head: { ...request.head, seq: request.head.seq + 1 } })).toMatchObject({
      code: 'Stale',
      field: 'head',
    });
    expect(verify({ head: { ...request.head, record: canonicalText({ op: 'sign' }) } })).toMatchObject({
      code: 'VerificationFailed',
    });
    expect(verify({ statements: requestOf(world, other).statements })).toMatchObject({
      code: 'VerificationFailed',
      field: 'statements',
    });
    const silent = { ...request, head: { ...request.head, record: canonicalText({ op: 'sign', seq: 4 }) } };
    expect(refusal(() => verifyRequest(crypto, silent, world.state.genesis.digest, headOf(silent)))).toMatchObject({
      code: 'Inconclusive',
      field: 'head.record',
    });
    const middle: VerifyHead = (head, authority) => ({ ...headOf(request)(head, authority), index: 3 });
    expect(refusal(() => verifyRequest(crypto, request, world.state.genesis.digest, middle))).toMatchObject({
      field: 'head.record',
    });
  });
});

describe('a request of a lying author, signed as it is', () => {
  const attempt = async (patch: (world: World) => ProposeInput): Promise<RonError> => {
    const world = await World.create();
    await world.propose();
    const id = await world.propose(patch(world));
    const request = requestOf(world, id);
    return refusal(() => verifyRequest(crypto, request, world.state.genesis.digest, headOf(request)));
  };
  const changes = ['caps.max_ttl_s=600'];

  it('with another `from` is refused by name', async () => {
    const changeset = [{ key: 'caps.max_ttl_s', from: 601, to: 600 }];
    expect(await attempt(() => ({ changes, patch: { changeset } }))).toMatchObject({
      code: 'Stale',
      field: 'changeset[0].from',
    });
  });

  it('with another expected hash, base hash or signer set is refused by name', async () => {
    const hash = `sha256:${'1'.repeat(64)}`;
    expect(await attempt(() => ({ changes, patch: { expected_state_hash: hash } }))).toMatchObject({
      code: 'Stale',
      field: 'expected_state_hash',
    });
    expect(await attempt(() => ({ changes, patch: { base_state: { seq: 0, hash } } }))).toMatchObject({
      code: 'Stale',
      field: 'base_state.hash',
    });
  });

  it('with a risk below what the phase demands is refused by name', async () => {
    const world = await World.create();
    const scope = 'tenant:acme';
    for (const step of [['pq_mode=and'], ['pq_mode=pq_only', 'rollout_percent=50']]) {
      await world.execute(await approvedIn(world, { scope, changes: step }));
    }
    const verify = async (level: 'medium' | 'high') => {
      const patch = { risk: { level, text: '' } };
      const request = requestOf(world, await world.propose({ scope, changes: ['rollout_percent=60'], patch }));
      return () => verifyRequest(crypto, request, world.state.genesis.digest, headOf(request));
    };
    expect(refusal(await verify('medium'))).toMatchObject({ code: 'Stale', field: 'risk.level' });
    expect(await verify('high')).not.toThrow();
  });
});

describe('the key chain', () => {
  it('of a 1-of-2 set does not let one signer replace the other', async () => {
    const options = {
      members: [
        ['alice', 'policy-owner'],
        ['bob', 'security-officer'],
      ],
      threshold: 1,
      profile: 'micronode',
    } as const;
    const { verified } = await genesisOf(options);
    const linked = async (by: readonly string[]): Promise<ChainLink> => {
      const world = await World.create(options);
      const mallory = await signer('mallory');
      const { members } = world.state.governed.set;
      const new_set = {
        members: [members[0]!, { id: 'mallory', role: 'custodian' as const, keys: mallory.keys }],
        threshold: 1,
      };
      const removed = [{ id: 'bob', reason: 'lost' as const }];
      const id = await world.propose({ action: { name: 'signer-set-change', new_set, removed } });
      for (const who of by) await world.vote('approve', who, id);
      world.line({ type: 'possession', body: await world.possession(id, mallory, 'custodian') });
      const open = world.state.open.get(id)!;
      const intent = world.intent(id);
      return {
        proposal: open.proposal.envelope,
        statements: open.statements.map((one) => one.envelope),
        possessions: open.possessions.map((one) => one.envelope),
        receipt: await world.receipt(id, intent, 'service', outcome(world.state.governed, open.proposal.body)),
      };
    };
    const alone = await linked(['alice']);
    expect(refusal(() => followChain(crypto, verified.genesis, [alone]))).toMatchObject({
      code: 'VerificationFailed',
      field: 'key_chain[0]',
      message: expect.stringContaining('not approved by bob'),
    });
    const both = await linked(['alice', 'bob']);
    expect(followChain(crypto, verified.genesis, [both]).set.epoch).toBe(1);
  });

  it('leads from the genesis to the set in force; proposals after it need it', async () => {
    const world = await World.create();
    const link = linkOf(world, await changed(world));
    const genesis = decodeLine(world.lines[0]!);
    const next = requestOf(world, await world.propose(), [link]);
    const verified = verifyRequest(crypto, next, world.state.genesis.digest, headOf(next));
    expect(verified.authority.set).toEqual(world.state.governed.set);
    expect(genesis.type).toBe('genesis');
    const without = refusal(() =>
      verifyRequest(crypto, { ...next, key_chain: [] }, world.state.genesis.digest, headOf(next)),
    );
    expect(without).toMatchObject({ code: 'Inconclusive', field: 'key_chain' });
  });

  it('is refused without quorum, possession or receipt, or with those of another change', async () => {
    const world = await World.create();
    const id = await changed(world);
    const link = linkOf(world, id);
    const genesis = (await World.create()).state;
    const { verified } = await genesisOf();
    const follow = (patch: Partial<ChainLink>) =>
      refusal(() => followChain(crypto, verified.genesis, [{ ...link, ...patch }]));
    expect(followChain(crypto, verified.genesis, [link]).set.epoch).toBe(1);
    expect(follow({ statements: link.statements.slice(1) }).message).toContain('no quorum');
    expect(follow({ possessions: [] }).message).toContain('possession of the new keys of dave');
    const other = await World.create();
    const plain = await other.propose();
    for (const by of ['alice', 'bob']) await other.vote('approve', by, plain);
    await other.execute(plain);
    expect(follow({ receipt: linkOf(other, plain).receipt }).message).toContain('receipt');
    expect(refusal(() => followChain(crypto, verified.genesis, [linkOf(other, plain)])).message).toContain(
      'not a change of keys',
    );
    expect(refusal(() => followChain(crypto, verified.genesis, [link, link])).code).toBe('Stale');
    expect(genesis.genesis.digest).toBe(envelopeDigest(world.genesisEnvelope));
  });
});
