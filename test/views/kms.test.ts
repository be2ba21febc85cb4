// What people read of key answers: verdicts in words, and nothing that a terminal would act on.

import { describe, expect, it } from 'vitest';
import type { ContinuityResult, NeedsRotationResult } from '../../src/kms/ports.ts';
import type { ProposalDescription } from '../../src/operations/governance/describe.ts';
import type { KmsRetireResult } from '../../src/operations/kms/retire.ts';
import type { ServeReady } from '../../src/operations/kms/serve-event.ts';
import type { ServiceSummary } from '../../src/operations/kms/status.ts';
import type { KmsVerifyResult } from '../../src/operations/kms/verify.ts';
import { printText } from '../../src/ui/print.ts';
import type { TextModel } from '../../src/ui/text-model.ts';
import { noPaint } from '../../src/ui/theme.ts';
import { changeBlocks } from '../../src/views/governance/proposal.ts';
import { continuityView } from '../../src/views/kms/continuity.ts';
import { needsRotationView } from '../../src/views/kms/needs-rotation.ts';
import { retireView } from '../../src/views/kms/retire.ts';
import { serveView } from '../../src/views/kms/serve.ts';
import { kmsStatusView } from '../../src/views/kms/status.ts';
import { verifyView } from '../../src/views/kms/verify.ts';

const KID = 'acme/release/ed25519/919108f7-52d1-4320-9bac-f847db4148a8#v1';
const B3 = 'd74981efa70a0c880b8d8c1985d075dbcbf679b99a5f9914e5aaf96b831a9e24';
const shown = (model: TextModel): Promise<string> => printText(model, noPaint);

const verdict: KmsVerifyResult = {
  kid: KID,
  payload_b3: B3,
  signatures: [
    { alg: 'ed25519', valid: true },
    { alg: 'ml-dsa', valid: false, reason: '3309 bytes are expected' },
  ],
  accepted: true,
  state: 'authenticated',
  required_mode: 'or',
  satisfied_mode: 'or',
  audited: false,
  trust: 'authenticated',
  refusal: 'VerificationFailed',
  reason: 'a signature in the bundle is not valid',
};

const service: ServiceSummary = {
  profile: 'dev',
  governed: false,
  ledger_id: null,
  ledger_seq: null,
  backend: 'file',
  backend_ready: true,
  amnesia: false,
  verify_only: null,
  pq_mode: 'or',
  rollout_percent: 100,
  origin: 'o',
  records: 7,
  audit_writable: true,
  checkpoint_age_s: 3,
  unsigned: 0,
  integrity_failures: 0,
  queue: 0,
  sinks: [],
  attestation: 'software',
  keys: 0,
  capabilities: 1,
  cap_root_age_days: 0,
  verify_cache_entries: 0,
  free_bytes: 82_000_000_000,
  draining: false,
};

describe('views of kms', () => {
  it('status shows the space of a disk, and none where nothing is on one', async () => {
    const answer = { name: 'local', version: null, ready: true, missing: [], degraded: [], tls_group: null };
    const text = (of: ServiceSummary) => shown(kmsStatusView({ server: { ...answer, service: of }, home: null }));
    expect(await text(service)).toContain('free          82.0 GB');
    expect(await text({ ...service, backend: 'inmem', amnesia: true, free_bytes: 0 })).not.toContain('free');
  });

  it('serve says where its configuration came from', async () => {
    const ready: ServeReady = {
      state: 'ready',
      pid: 1,
      socket: null,
      addr: null,
      cert_sha256: null,
      metrics_addr: '127.0.0.1:9',
      tlog_addr: null,
      profile: 'dev',
      governed: false,
      backend: 'inmem',
      amnesia: true,
      verify_only: null,
      operator_cap: null,
      config: null,
      next: [],
    };
    expect(await shown(serveView(ready))).toContain('configuration  no file: defaults and environment');
    expect(await shown(serveView({ ...ready, config: '/etc/ron/ron-kms.toml' }))).toContain('  /etc/ron/ron-kms.toml');
  });

  it('verify shows both answers: the bad half, and what the mode says', async () => {
    expect(await shown(verifyView(verdict))).toBe(
      [
        `key               ${KID}`,
        `payload (BLAKE3)  ${B3}`,
        'state             authenticated',
        'mode in force     or',
        'mode satisfied    or',
        'signature  verdict  why',
        'ed25519    valid',
        'ml-dsa     INVALID  3309 bytes are expected',
        'accepted by the mode, but a signature in the bundle is not valid',
        '',
      ].join('\n'),
    );
  });

  it('verify names what is missing, and legacy by its name', async () => {
    const { reason: _reason, ...rest } = verdict;
    const good = { ...rest, refusal: null, signatures: [{ alg: 'ed25519', valid: true }] };
    expect(await shown(verifyView({ ...good, legacy: 'proven' }))).toContain('accepted as legacy');
    const unknown = {
      ...good,
      accepted: false,
      required_mode: null,
      satisfied_mode: null,
      refusal: 'NotAuthenticated',
    };
    const text = await shown(verifyView({ ...unknown, refusal: 'NotAuthenticated', trust: 'not-authenticated' }));
    expect(text).toContain('mode in force     unknown here');
    expect(text).toContain('not accepted: NotAuthenticated');
    expect(text).toContain('trust: not authenticated');
  });

  it('retire says IRREVERSIBLE first, and what becomes of envelopes', async () => {
    const result: KmsRetireResult = {
      kid: KID,
      versions: [KID],
      irreversible: true,
      loses_envelopes: true,
      proposal: { id: 'gp-x', digest: 'sha256:x', words: 'a b c d e f g h i j k l'.split(' ') },
      file: 'inbox/x.json',
      next: 'ronctl governance show gp-x',
      dry_run: false,
    };
    const lines = (await shown(retireView(result))).split('\n');
    expect(lines[0]).toMatch(/^IRREVERSIBLE/);
    expect(lines[1]).toBe('No envelope that was wrapped for them opens again.');
    expect(lines.filter((line) => /^(words)? +[a-l] [a-l] [a-l] [a-l]$/.test(line))).toHaveLength(3);
  });

  it('approvers read what a retired wrapping key takes with it', async () => {
    const of = (alg: string, name: string): Promise<string> => {
      const action = { name, kid: `acme/data/${alg}/919108f7-52d1-4320-9bac-f847db4148a8` };
      const description = { changes: [], action, irreversible: true } as unknown as ProposalDescription;
      return shown(changeBlocks(description));
    };
    expect(await of('hybrid-kem', 'key-retire')).toContain('No envelope that was wrapped for it opens again.');
    for (const text of [await of('ed25519', 'key-retire'), await of('hybrid-kem', 'key-compromised')]) {
      expect(text).toContain('IRREVERSIBLE');
      expect(text).not.toContain('envelope');
    }
  });

  it('needs-rotation and continuity say why', async () => {
    const rotation: NeedsRotationResult = {
      kid: KID,
      answer: 'unknown',
      created_at: null,
      age_days: null,
      limit_days: 90,
      reason: 'the clock is behind the newest time seen',
      trust: 'local',
    };
    expect(await shown(needsRotationView(rotation))).toContain(
      'cannot be told here: the clock is behind the newest time seen',
    );
    const continuity: ContinuityResult = {
      verdict: 'tampered',
      attested_by: 'keys and service',
      old_kid: KID,
      new_kid: KID.replace('#v1', '#v2'),
      digest: 'sha256:a',
      other_digest: 'sha256:b',
      reason: 'the log names another successor',
      trust: 'authenticated',
    };
    const text = await shown(continuityView(continuity));
    expect(text).toContain('in the log   sha256:b');
    expect(text).toContain('tampered: the log names another successor');
  });

  it('text from outside cannot act on the terminal', async () => {
    const evil = { ...verdict, reason: 'a\u001b[2Jb\u202ec' };
    const text = await shown(verifyView(evil));
    expect(text).not.toMatch(/[\u001b\u202e]/);
    expect(text).toContain('\\u{1b}');
  });
});
