import { describe, expect, it } from 'vitest';
import { inspect } from '../../../src/operations/policy/inspect.ts';
import { policyKeys } from '../../../src/operations/policy/keys.ts';
import { applyChanges } from '../../../src/policy/apply.ts';
import type { Overlay } from '../../../src/policy/overlay.ts';
import { REGISTRY } from '../../../src/policy/registry.ts';
import { initialPolicy } from '../../../src/policy/state.ts';
import type { TextModel } from '../../../src/ui/text-model.ts';
import { inspectView } from '../../../src/views/policy/inspect.ts';
import { policyKeysView } from '../../../src/views/policy/keys.ts';
import { expectData } from '../../support/data-schema.ts';
import { JUDGED, keyEntry, policySource } from '../../support/policy-source.ts';

const dev = initialPolicy('dev');
const and = applyChanges(
  dev,
  'tenant:acme',
  [
    { key: 'pq.phase', to: 2 },
    { key: 'caps.max_ttl_s', to: 600 },
  ],
  'dev',
);
const text = (model: TextModel): string[] => model.map((block) => (block.kind === 'line' ? block.text : block.kind));
const lines = async (source: ReturnType<typeof policySource>, tenant: string | null): Promise<string[]> => {
  const data = await inspect({ tenant }, { source: async () => source });
  expectData('policy/inspect', data);
  return text(inspectView(data));
};

describe('policy inspect', () => {
  it('prints key=value lines that the runbook greps (CLI-07)', async () => {
    const all = await lines(policySource({ policy: and, keys: [keyEntry('acme', 1, [['ed25519']])] }), 'acme');
    expect(all.filter((one) => /pq_|verify_mode|rollout_percent/.test(one))).toEqual([
      'pq_phase=2',
      'pq_base_phase=2',
      'pq_mode=and',
      'verify_mode=and',
      'rollout_percent=100',
      'pq_legacy_grace_days=30',
      'pq_phase.origin=tenant',
      'rollout_percent.origin=tenant',
    ]);
    expect(all).toContain('produce_hybrid=true');
    expect(all).toContain('caps.max_ttl_s=600');
    expect(all).toContain('caps.max_ttl_s.origin=tenant');
    expect(all).toContain('caps.max_active=100');
    expect(all.filter((one) => !one.startsWith('#')).every((one) => /^[a-z][a-z0-9_.]*=[^ ]*$/.test(one))).toBe(true);
    expect(all[0]).toContain('tenant:acme');
  });

  it.each([
    ['dev', 'pq_mode=or', 'verify_mode=or'],
    ['micronode', 'pq_mode=or', 'verify_mode=or'],
    ['macronode', 'pq_mode=and', 'verify_mode=and'],
  ] as const)('the start of %s', async (profile, mode, verify) => {
    const all = await lines(policySource({ policy: initialPolicy(profile), profile, governed: false }), null);
    expect(all).toContain(mode);
    expect(all).toContain(verify);
    expect(all[0]).toContain('ungoverned');
  });

  it('an exception says what is approved and when it ends', async () => {
    const overlays: Overlay[] = [
      {
        kind: 'exception',
        seq: 3,
        scope: 'tenant:acme',
        judged_at: JUDGED.now,
        duration_s: 3600,
        changes: [{ key: 'pq.phase', to: 1 }],
      },
    ];
    const all = await lines(policySource({ policy: and, overlays }), 'acme');
    expect(all).toContain('pq_mode=or');
    expect(all).toContain('pq_phase.origin=exception');
    expect(all).toContain('pq_phase.approved=2');
    expect(all).toContain('pq_phase.ends_in_s=3600');
    expect((await lines(policySource({ policy: and, overlays }), 'other')).join()).toContain('pq_mode=or');
  });

  it('a tenant that nothing knows is shown as such', async () => {
    const all = await lines(policySource({ policy: and }), 'acmee');
    expect(all[1]).toBe('# tenant:acmee has no key, value or ceiling here; the global values would apply');
    expect(await lines(policySource({ policy: and }), 'acme')).not.toContain('has no key');
  });

  it('shows every key of the registry', async () => {
    const all = await lines(policySource({ policy: dev }), null);
    expect(all.filter((one) => /^[a-z].*=/.test(one))).toHaveLength(REGISTRY.length - 2 + 6);
  });
});

describe('policy keys', () => {
  it('lists the registry', async () => {
    const data = await policyKeys();
    expectData('policy/keys', data);
    expect(data.keys.map((one) => one.key)).toEqual(REGISTRY.map((row) => row.key));
    expect(data.keys[0]?.other_names).toEqual([
      'pq_phase',
      'phase',
      'pq_mode',
      'pq.mode',
      'verify_mode',
      'pq.verify_mode',
      'produce_hybrid',
      'pq.produce_hybrid',
    ]);
    const block = policyKeysView(data)[0]!;
    const rows = block.kind === 'table' ? block.rows : [];
    expect(rows.find(([key]) => key === 'service.amnesia')).toEqual([
      'service.amnesia',
      'amnesia',
      'true or false',
      'false | true | false',
      'global',
      'equal',
      'yes',
    ]);
    expect(rows.find(([key]) => key === 'service.backend')?.[2]).toContain('by action backend-change');
  });
});
