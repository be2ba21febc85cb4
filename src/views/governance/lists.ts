// `ronctl governance list`, `log`, `status`, `inbox`, `signers show` for people.

import { spell } from '../../bytes/time.ts';
import type { InboxResult } from '../../operations/governance/inbox.ts';
import type { ListResult } from '../../operations/governance/list.ts';
import type { LogResult } from '../../operations/governance/log.ts';
import type { SignersResult } from '../../operations/governance/signers.ts';
import type { StatusResult } from '../../operations/governance/status.ts';
import { type Block, fields, line, section, type TextModel, table } from '../../ui/text-model.ts';
import { wordsText } from './proposal.ts';
import { utc } from './time.ts';

export function listView(result: ListResult): TextModel {
  const rows = result.proposals.map((one) => [
    one.id,
    one.status,
    one.kind,
    one.scope,
    one.author,
    `${one.approvals}/${one.threshold}`,
    one.seconds_left > 0 ? `in ${spell(one.seconds_left * 1000)}` : '',
  ]);
  return [
    table(['proposal', 'status', 'kind', 'scope', 'author', 'approvals', 'left'], rows),
    line(
      `${result.total} in the ledger, ${result.waiting} statements not ingested; clock ${utc(result.judged_at)}`,
      'dim',
    ),
  ];
}

export function logView(result: LogResult): TextModel {
  const rows = result.lines.map((one) => [
    String(one.seq),
    utc(one.ts),
    one.type,
    one.by,
    one.what,
    one.proposal_id ?? '',
  ]);
  return [
    table(['line', 'time', 'type', 'by', 'what', 'proposal'], rows),
    line(`${rows.length} lines${result.since === null ? ', the whole ledger' : ` since ${utc(result.since)}`}`, 'dim'),
  ];
}

export function statusView(result: StatusResult): TextModel {
  const { ledger, signer_set: set } = result;
  if (ledger === null || set === null) {
    return [
      line('ungoverned: no genesis is adopted', 'warn'),
      fields([['profile', result.profile]]),
      line('next: ronctl governance init --members ... --threshold N', 'dim'),
    ];
  }
  const counts = Object.entries(result.proposals).map(([status, count]) => `${count} ${status}`);
  const forced: Block[] =
    result.in_force.length === 0
      ? []
      : [
          section('in force beside the approved policy', [
            table(
              ['kind', 'scope', 'keys', 'ends'],
              result.in_force.map((one) => [
                one.kind,
                one.scope,
                one.keys.join(', '),
                one.ends_in_s === null ? '' : `in ${spell(one.ends_in_s * 1000)}`,
              ]),
            ),
          ]),
        ];
  return [
    fields([
      ['ledger', `${ledger.id} (${ledger.name}, ${result.profile})`, 'strong'],
      ['words', wordsText(ledger.words)],
      [
        'genesis',
        `${ledger.genesis_digest}${ledger.pinned ? ', pinned here' : ', NOT pinned here'}`,
        ledger.pinned ? 'plain' : 'bad',
      ],
      ['head', `line ${ledger.seq}, ${ledger.hash} (${result.trust})`],
      [
        'signer set',
        `epoch ${set.epoch}, ${set.threshold} of ${set.members.length}: ${set.members.map((one) => `${one.id} (${one.role})`).join(', ')}`,
      ],
      ['proposals', counts.join(', ') || 'none open'],
      ['inbox', `${result.inbox} files`],
      ...(result.unfinished === null ? [] : ([['unfinished', result.unfinished, 'bad']] as const)),
      [
        'clock',
        `${utc(result.judged_at)}${result.clock_behind ? ': BEHIND the newest time seen' : ''}`,
        result.clock_behind ? 'bad' : 'plain',
      ],
    ]),
    ...forced,
  ];
}

type InboxFile = InboxResult['valid'][number];

export function inboxView(result: InboxResult): TextModel {
  const rows = (files: readonly InboxFile[], verdict: string): string[][] =>
    files.map((one) => [one.type, one.purpose ?? '', one.by ?? '', one.id ?? '', verdict]);
  return [
    table(
      ['type', 'purpose', 'by', 'proposal', 'an ingest now'],
      [
        ...rows(result.valid, 'takes it'),
        ...rows(result.known, 'deletes it: known'),
        ...result.behind.flatMap((one) => rows([one], `is stopped by it: ${one.code}, ${one.message}`)),
        ...rows(result.waiting, `leaves it: ${result.behind.length > 0 ? 'it is stopped' : 'its proposal is unknown'}`),
        ...result.invalid.flatMap((one) =>
          rows([{ ...one, id: one.id ?? one.name }], `refuses it: ${one.code}, ${one.message}`),
        ),
      ],
    ),
    line(
      [result.valid, result.known, result.waiting, result.behind, result.invalid].every((files) => files.length === 0)
        ? 'the inbox is empty'
        : 'none of these counts before its ingest: ronctl governance ingest',
      'dim',
    ),
  ];
}

export function signersView(result: SignersResult): TextModel {
  const rows = [...result.members, ...(result.auditor === null ? [] : [result.auditor])].map((one) => [
    one.id,
    one.role,
    one.keys_sha256.slice(0, 16),
    one.local ? 'yes' : '',
  ]);
  return [
    fields([
      [
        'signer set',
        `epoch ${result.epoch}, ${result.threshold} of ${result.members.length}, ${result.required_roles} roles`,
        'strong',
      ],
      ['hash', result.hash],
    ]),
    table(['signer', 'role', 'keys (sha256)', 'here'], rows),
    ...(result.earlier.length === 0
      ? []
      : [
          section('earlier', [
            table(
              ['epoch', 'threshold', 'members'],
              result.earlier.map((one) => [String(one.epoch), String(one.threshold), one.members.join(', ')]),
            ),
          ]),
        ]),
  ];
}
