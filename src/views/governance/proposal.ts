// A proposal for people (governance page 12): what an approver reads before the words are compared. Old and new signer set
// are set apart, votes are named by member and role, deadlines show what is left.

import { canonicalText } from '../../bytes/canonical-json.ts';
import { escapeText } from '../../bytes/text.ts';
import { spell } from '../../bytes/time.ts';
import type { DescribedSet, ProposalDescription, VoteSummary } from '../../operations/governance/describe.ts';
import { type Block, fields, line, list, section, type TextModel, table } from '../../ui/text-model.ts';
import { valueText } from '../policy/value.ts';
import { deadline, utc } from './time.ts';

export function wordsText(words: readonly string[]): string {
  return [0, 4, 8].map((from) => words.slice(from, from + 4).join(' ')).join('\n');
}

export function votesText({ text, members }: VoteSummary): string {
  const each = members.map(({ role, id, vote }) => `${role} ${id}: ${vote === 'waiting' ? 'waiting' : vote}`);
  return `${text}\n${each.join('\n')}`;
}

const setBlock = (title: string, set: DescribedSet): Block =>
  section(title, [
    fields([['threshold', `${set.threshold} of ${set.members.length}`]]),
    table(
      ['member', 'role'],
      [
        ...set.members.map(({ id, role }) => [id, role]),
        ...(set.auditor === null ? [] : [[set.auditor, 'external-auditor']]),
      ],
    ),
  ]);

/** What cannot be taken back, and for keys that wrap what is lost with them (keys page 11). */
function irreversibleBlocks(of: ProposalDescription): Block[] {
  if (!of.irreversible) return [];
  const wraps = /^\{"kid":"[^"]*\/(?:x25519|hybrid-kem|ml-kem)\/[^"]*","name":"key-retire"\}$/;
  const losesEnvelopes = wraps.test(canonicalText(of.action));
  const lost = losesEnvelopes ? [line('No envelope that was wrapped for it opens again.', 'bad')] : [];
  return [line('IRREVERSIBLE', 'bad'), ...lost];
}

/** What would change, or the action. */
export function changeBlocks(of: ProposalDescription): Block[] {
  if (of.changes.length === 0) {
    return [section('action', [line(JSON.stringify(of.action)), ...irreversibleBlocks(of)])];
  }
  const rows = of.changes.map((one) => [one.key, valueText(one.from), valueText(one.to)]);
  const blocks: Block[] = [table(['key', 'before', 'after'], rows)];
  if (of.pq !== null) {
    const { before, after } = of.pq;
    const pq = (label: string, one: typeof before): string[] => [
      label,
      `${one.phase} (${one.mode})`,
      one.verify_mode,
      String(one.produce_hybrid),
      one.percent === 100 ? '100 %' : `${one.percent} %, the rest in phase ${one.base_phase}`,
    ];
    blocks.push(
      table(['pq', 'phase', 'verify_mode', 'produce_hybrid', 'percent'], [pq('before', before), pq('after', after)]),
    );
  }
  return [section('change', blocks), ...impactBlocks(of)];
}

function impactBlocks({ impact }: ProposalDescription): Block[] {
  if (impact === null) return [];
  const warn = (count: number) => [String(count), count > 0 ? 'warn' : 'plain'] as const;
  return [
    fields([
      ['keys that move', String(impact.keys_moving)],
      ['versions that lose acceptance', ...warn(impact.versions_losing)],
      ['keys that must be rotated first', ...warn(impact.missing_tracks)],
    ]),
  ];
}

function rollbackText(of: ProposalDescription): string {
  if (of.rollback === null) return 'none';
  const { changes, valid_for_s: seconds } = of.rollback;
  return `${changes.map((one) => `${one.key}=${valueText(one.to)}`).join(', ')}, usable once within ${spell(seconds * 1000)} of execution`;
}

function evidenceText(of: ProposalDescription): string {
  const given = of.evidence.map((one) => `${one.kind}: ${one.name} (${one.size} bytes, sha256 ${one.sha256})`);
  const missing = of.evidence_missing.map((kind) => `${kind}: none`);
  return [...given, ...missing].join('\n') || 'none';
}

function scopeText(of: ProposalDescription): string {
  if (of.new_tenant === null)
    return `${of.scope}  (perhaps a NEW TENANT: the request does not say; ask whoever holds the store)`;
  return of.new_tenant ? `${of.scope}  NEW TENANT` : of.scope;
}

export function proposalView(of: ProposalDescription): TextModel {
  return [
    fields([
      ['proposal', of.id, 'strong'],
      ['words', wordsText(of.words), 'strong'],
      ['digest', of.digest],
      ['ledger', `${of.ledger_id} (${of.profile})`],
      [
        'status',
        of.reason === null ? of.status : `${of.status}: ${of.reason}`,
        of.status === 'approved' ? 'good' : 'plain',
      ],
      ['scope', scopeText(of)],
      ['kind', of.kind],
      ['author', of.author],
    ]),
    ...changeBlocks(of),
    fields([
      ['rationale', escapeText(of.rationale)],
      [
        'risk',
        of.risk.text === '' ? of.risk.level : `${of.risk.level}: ${escapeText(of.risk.text)}`,
        of.risk.level === 'high' ? 'bad' : 'plain',
      ],
      ['rollback', rollbackText(of)],
      [
        'window',
        of.window === null
          ? 'any time before it expires'
          : `${utc(of.window.not_before)} to ${utc(of.window.not_after)}`,
      ],
      ['decide by', deadline(of.decide_by, of.seconds_left.decide_by)],
      ['expires', deadline(of.expires_at, of.seconds_left.expires_at)],
      ['clock', utc(of.judged_at)],
      ['evidence', evidenceText(of)],
      ['votes', votesText(of.votes), of.votes.reached ? 'good' : 'plain'],
    ]),
    ...(of.new_signer_set === null
      ? []
      : [
          setBlock(`old signer set, epoch ${of.signer_set.epoch}`, of.signer_set),
          setBlock(`new signer set, epoch ${of.new_signer_set.epoch}`, of.new_signer_set),
        ]),
  ];
}

export const waitingList = (files: readonly { readonly purpose: string; readonly by: string }[]): Block[] =>
  files.length === 0
    ? []
    : [section('not ingested, does not count yet', [list(files.map((one) => `${one.purpose} by ${one.by}`))])];
