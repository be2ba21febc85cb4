// `ronctl audit witness` for people: keys and policy lines, signature lines, what the witnesses said, the server's two lines.

import type { CollectResult, QuorumSummary } from '../../operations/audit/collect-cosignatures.ts';
import type { WitnessKeysResult, WitnessRequestResult } from '../../operations/audit/witness.ts';
import type { WitnessReady, WitnessStopped } from '../../operations/audit/witness-event.ts';
import { type Block, blank, fields, line, section, type TextModel, table } from '../../ui/text-model.ts';

export function witnessKeysView(result: WitnessKeysResult): TextModel {
  return [
    line(`${result.signer} cosigns as ${result.name}`, 'strong'),
    blank,
    line('# lines for a witness policy', 'dim'),
    ...result.policy_lines.map((text) => line(text)),
  ];
}

/** `out`: the file that has the signature lines; undefined = they are shown. */
export function witnessRequestView(result: WitnessRequestResult, out: string | undefined): TextModel {
  const what = `size ${result.size} of ${result.origin}`;
  if (result.lines === null) return [line(`${what} can be cosigned; nothing was signed (dry run)`)];
  if (out !== undefined) return [line(`cosigned ${what}`, 'good'), fields([['file', out]])];
  return [
    line(`cosigned ${what}`, 'good'),
    blank,
    ...result.lines
      .trimEnd()
      .split('\n')
      .map((text) => line(text)),
  ];
}

export function quorumBlocks(quorum: QuorumSummary): Block[] {
  const rows: (readonly [string, string, string])[] = [
    ...quorum.cosigned.map(({ witness, key, time }) => [witness, 'cosigned', `${time}, ${key}`] as const),
    ...quorum.missing.map((name) => [name, 'missing', ''] as const),
    ...quorum.bad.map((name) => [name, 'WRONG', 'its cosignature does not verify'] as const),
  ];
  return rows.length === 0 ? [] : [section('Witnesses', [table(['witness', 'cosignature', ''], rows)])];
}

export function collectView(result: CollectResult): TextModel {
  const { quorum, size, origin } = result;
  const verdict = quorum.met ? 'the witness policy is met' : 'the witness policy is not met yet';
  const out: Block[] = [
    line(verdict, quorum.met ? 'good' : 'warn'),
    fields([
      ['checkpoint', `size ${size} of ${origin}`],
      ['new cosignatures', `${result.added}${result.dry_run ? ' (dry run: not kept)' : ''}`],
    ]),
    blank,
    ...quorumBlocks(quorum),
  ];
  if (result.witnesses.length > 0) {
    const rows = result.witnesses.map((one) => [one.url, one.status === null ? '-' : String(one.status), one.message]);
    out.push(blank, section('Answers', [table(['url', 'status', 'answer'], rows)]));
  }
  return out;
}

export function witnessServeView(event: WitnessReady | WitnessStopped): TextModel {
  if (event.state === 'stopped') {
    return [line(`stopped (${event.why}): ${event.cosigned} cosigned of ${event.answered} requests`)];
  }
  return [
    line(`witness ${event.name} listens on ${event.url}`, 'good'),
    ...event.vkeys.map((vkey) => line(`  ${vkey}`)),
  ];
}
