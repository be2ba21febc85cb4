// `ronctl kms status` for people.

import type { HomeSummary, KmsStatusResult, ServerStatus, ServiceSummary } from '../../operations/kms/status.ts';
import { type Block, fields, line, type TextModel, type Tone } from '../../ui/text-model.ts';
import { bytesText } from '../store/status.ts';

type Row = readonly [label: string, value: string, tone?: Tone];

/** Beyond this a checkpoint is not recent (log page 4.6). */
const RECENT_S = 120;

export function kmsStatusView({ server, home }: KmsStatusResult): TextModel {
  return server === null ? (home === null ? [] : homeBlocks(home)) : serverBlocks(server);
}

function homeBlocks(home: HomeSummary): Block[] {
  const checkpoint = home.checkpoint_at === null ? 'none' : `at ${home.checkpoint_at}`;
  return [
    line('offline: no server was asked', 'strong'),
    fields([
      ['store', home.store_id],
      ['trust', home.trust, home.trust === 'not-authenticated' ? 'warn' : 'plain'],
      ['ledger', home.ledger_id === null ? 'none (ungoverned)' : `${home.ledger_id}, ${home.ledger_lines} lines`],
      ['keys', `${home.keys} with ${home.key_versions} versions`],
      ['audit log', `${home.records} records, ${home.unsigned} not yet signed`],
      ['checkpoint', checkpoint],
    ]),
    ...(home.server_pid === null
      ? []
      : [line(`a server holds this home (pid ${home.server_pid}): ask it with --kms local`, 'warn')]),
  ];
}

function serverBlocks(server: ServerStatus): Block[] {
  const { ready, missing, degraded, service } = server;
  const rows: Row[] = [
    ['server', `${server.name}${server.version === null ? '' : `, ronctl ${server.version}`}`],
    ['ready', ready ? 'yes' : `no: ${missing.join(', ') || 'not said why'}`, ready ? 'good' : 'bad'],
    ...(degraded.length === 0 ? [] : [['degraded', degraded.join(', '), 'warn'] satisfies Row]),
    ...(server.tls_group === null ? [] : [['TLS group', server.tls_group] satisfies Row]),
  ];
  return service === null
    ? [fields(rows), line('more is told to the holder of kms:read for the instance', 'dim')]
    : [fields([...rows, ...serviceRows(service)])];
}

function sinkRow({ name, kind, behind, lag_s: lag, error }: ServiceSummary['sinks'][number]): Row {
  const place = behind === 0 ? 'has everything' : `${behind} records, ${lag} s behind`;
  const why = error === null ? '' : `: ${error}`;
  return [`sink ${name}`, `${kind}, ${place}${why}`, error === null ? 'plain' : 'warn'];
}

function serviceRows(service: ServiceSummary): Row[] {
  const age = service.checkpoint_age_s;
  const governed = service.governed ? `${service.ledger_id ?? '-'}, line ${service.ledger_seq ?? '-'}` : 'no';
  return [
    ['profile', `${service.profile}${service.amnesia ? ', amnesia' : ''}`],
    ['governed', governed, service.governed ? 'plain' : 'warn'],
    [
      'backend',
      `${service.backend}, ${service.backend_ready ? 'ready' : 'lost'}`,
      service.backend_ready ? 'plain' : 'bad',
    ],
    ...(service.verify_only === null ? [] : [['verifies only', service.verify_only, 'warn'] satisfies Row]),
    ['post-quantum', `${service.pq_mode} at ${service.rollout_percent} %`],
    ['audit log', `${service.records} records${service.audit_writable ? '' : ', not writable'}`],
    ...service.sinks.map(sinkRow),
    [
      'checkpoint',
      age === null ? 'none yet' : `${age} s old, ${service.unsigned} records behind it`,
      age !== null && age <= RECENT_S ? 'plain' : 'warn',
    ],
    ...(service.integrity_failures === 0
      ? []
      : [['integrity', `${service.integrity_failures} failures`, 'bad'] satisfies Row]),
    ['queue', `${service.queue}`],
    ['keys', `${service.keys}`],
    ['capabilities', `${service.capabilities} active, root ${service.cap_root_age_days} days old`],
    ['attestation', service.attestation ?? 'none'],
    ...(service.backend === 'inmem' ? [] : [['free', bytesText(service.free_bytes)] satisfies Row]),
    ...(service.draining ? [['draining', 'yes', 'warn'] satisfies Row] : []),
  ];
}
