// Attestation without hardware (GAP-45, C-17, C-41): class software, signed by the keys of the log; named in records and replies
// where policy or configuration ask for it, and required only where the policy takes the class.

import { describe, expect, it } from 'vitest';
import { fromBase64Url } from '../../src/bytes/base64.ts';
import { utf8 } from '../../src/bytes/text.ts';
import { sha256Hex } from '../../src/crypto/hash.ts';
import { parseEnvelope, signedBytes } from '../../src/envelope/dsse.ts';
import { parseVkey } from '../../src/envelope/note.ts';
import { ATTESTATION_TYPE } from '../../src/keys/attestation.ts';
import { B3, call, capability, LOCAL } from '../contract/kms-subject.ts';
import { testCrypto } from '../support/crypto.ts';
import { serverConfig, serving } from '../support/serving.ts';

const key = { tenant: 'acme', purpose: 'release', alg: 'ed25519', newTenant: true } as const;
const asking = (attest_require: 'never' | 'if-available' | 'required') =>
  serverConfig((base) => ({ security: { ...base.security, attest_require } }));

describe('kms attest', () => {
  it('gives a statement over key, public halves, store and build that the log keys signed, and records it', async () => {
    const { service } = await serving();
    const { kid, key: made } = await service.kms.keys.create(key, call());
    const answer = await service.kms.attesting.attest({ kid: kid.split('#')[0]! }, call());
    expect(answer.attestation.class).toBe('software');
    const file = utf8(answer.attestation.evidence!);
    const envelope = parseEnvelope(file, 'the evidence');
    expect(envelope.payloadType).toBe(ATTESTATION_TYPE);
    const payload = JSON.parse(Buffer.from(envelope.payload).toString()) as Record<string, unknown>;
    expect(payload).toMatchObject({ v: 1, class: 'software', kid, build: 'test', store_id: service.store.storeId });
    const pub = payload['pub'] as Record<string, string>;
    const digests = Object.fromEntries(
      Object.entries(pub).map(([name, text]) => [name, sha256Hex(fromBase64Url(text)!)]),
    );
    expect(digests).toEqual(made!.versions[0]!.pub);

    const vkeys = service.store.logVkeys();
    const crypto = testCrypto();
    const signatures = new Map(envelope.signatures.map((one) => [one.keyid, one.signature]));
    for (const [alg, keyid, vkey] of [
      ['ed25519', 'log/ed25519', vkeys.ed25519],
      ['ml-dsa-44', 'log/ml-dsa-44', vkeys.mlDsa44],
    ] as const) {
      const publicKey = crypto.signature(alg).importPublic(parseVkey(vkey).publicKey);
      expect(publicKey!.verify(signedBytes(envelope), signatures.get(keyid)!), keyid).toBe(true);
    }
    const record = service.store.record(answer.audit!.index);
    expect(record).toMatchObject({
      op: 'attest',
      op_id: answer.op_id,
      kid,
      detail: { class: 'software', evidence_sha256: sha256Hex(file) },
    });
  });

  it('is for holders of kms:rotate', async () => {
    const { service } = await serving();
    const { kid } = await service.kms.keys.create(key, call());
    const reader = call(capability(['kms:read', 'kms:sign']));
    await expect(service.kms.attesting.attest({ kid }, reader)).rejects.toMatchObject({ code: 'Denied' });
    const other = call(capability(['kms:rotate'], ['other']));
    await expect(service.kms.attesting.attest({ kid }, other)).rejects.toMatchObject({ code: 'Denied' });
  });
});

describe('sign', () => {
  it('says nothing of attestation where nobody asks for it', async () => {
    const { service } = await serving({ config: asking('never') });
    const { kid } = await service.kms.keys.create(key, call());
    const signed = await service.kms.signing.sign({ kids: [kid], payload_b3: B3 }, call());
    expect('attestation' in signed).toBe(false);
  });

  it.each(['if-available', 'required'] as const)(
    'names the evidence where it is %s, the same for 5 minutes',
    async (how) => {
      const { service, clock, told } = await serving({ config: asking(how) });
      const { kid } = await service.kms.keys.create(key, call());
      const sign = () => service.kms.signing.sign({ kids: [kid], payload_b3: B3 }, call());
      const [first, second] = [await sign(), await sign()];
      expect(first.attestation).toEqual({
        class: 'software',
        evidence: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string,
      });
      expect(second.attestation).toEqual(first.attestation);
      expect(service.store.record(first.audit!.index).attestation).toEqual(first.attestation);
      clock.sinceBootMs += 300_000;
      clock.nowMs += 300_000;
      expect((await sign()).attestation).not.toEqual(first.attestation);
      expect(told.count('kms_attest_total')).toBe(2);
      expect(service.state().attestation).toEqual({ required: how === 'required', ready: true, class: 'software' });
    },
  );

  it('a sealing that attests is refused at the start: this backend cannot', async () => {
    const config = serverConfig((base) => ({ audit: { ...base.audit, sealing: 'attested' } }));
    await expect(serving({ config })).rejects.toMatchObject({ code: 'RefusedConfig', field: 'audit.sealing' });
  });

  it('a repeated op_id gives the first bundle; after a minute it signs again and says so', async () => {
    const { service, clock } = await serving();
    const { kid } = await service.kms.keys.create(key, call());
    const once = call(LOCAL, { repeatable: true });
    const [a, b] = await Promise.all([
      service.kms.signing.sign({ kids: [kid], payload_b3: B3 }, once),
      service.kms.signing.sign({ kids: [kid], payload_b3: B3 }, once),
    ]);
    expect(b).toEqual(a);
    const other = { kids: [kid], payload_b3: '0'.repeat(64) };
    await expect(service.kms.signing.sign(other, once)).rejects.toMatchObject({ code: 'Conflict' });
    clock.sinceBootMs += 60_001;
    await service.kms.signing.sign({ kids: [kid], payload_b3: B3 }, once);
    const records = [...service.store.records(0)].filter((one) => one.op === 'sign');
    expect(records.map((one) => [one.op_id, one.detail?.['repeat']])).toEqual([
      [once.opId, undefined],
      [once.opId, true],
    ]);
  });

  it('asks for its place after every check, and gives it back', async () => {
    const { service } = await serving();
    const { kid } = await service.kms.keys.create(key, call());
    const places: string[] = [];
    const admit = async (work: string, tenant: string): Promise<() => void> => {
      places.push(`${work} ${tenant}`);
      return () => places.push('back');
    };
    const asked = (more: object = {}) => call(LOCAL, { admit, ...more });
    await service.kms.signing.sign({ kids: [kid], payload_b3: B3 }, asked());
    expect(places).toEqual(['sign acme', 'back']);
    const denied = asked({ caller: capability(['kms:read']) });
    await expect(service.kms.signing.sign({ kids: [kid], payload_b3: B3 }, denied)).rejects.toMatchObject({
      code: 'Denied',
    });
    await expect(service.kms.keys.rotate({ kid: `${kid.split('#')[0]}#v9` }, asked())).rejects.toMatchObject({
      code: 'NotFound',
    });
    expect(places.slice(2)).toEqual(['mutate acme', 'back']);
  });
});
