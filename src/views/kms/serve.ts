// `ronctl kms serve` for people: what serves where, how to stop it, and what to type in the other terminal.

import type { ServeEvent } from '../../operations/kms/serve-event.ts';
import { blank, fields, line, list, type TextModel, type Tone } from '../../ui/text-model.ts';

type Row = readonly [string, string, Tone?];

export function serveView(event: ServeEvent): TextModel {
  if (event.state === 'stopped') {
    const [tone, how]: [Tone, string] = event.drained
      ? ['good', 'stopped: everything in flight was finished']
      : ['warn', `stopped: ${event.aborted} requests in flight were cut off`];
    return [
      line(how, tone),
      fields([
        ['why', event.why],
        ['records', String(event.audit_size)],
        [
          'checkpoint',
          event.checkpoint ? 'signed' : 'none: the log was not signed at the end',
          event.checkpoint ? 'plain' : 'warn',
        ],
      ]),
    ];
  }
  const rows: Row[] = [
    ['socket', event.socket ?? '-'],
    ['address', event.addr ?? '-'],
    ...(event.cert_sha256 === null ? [] : [['certificate', `sha256 ${event.cert_sha256}`] as const]),
    ['metrics', `http://${event.metrics_addr}/metrics`],
    ...(event.tlog_addr === null
      ? []
      : [
          [
            'published log',
            `${event.cert_sha256 === null ? 'http' : 'https'}://${event.tlog_addr}/checkpoint`,
          ] as const,
        ]),
    ['profile', event.profile],
    ['governed', event.governed ? 'yes' : 'no: no genesis is adopted', event.governed ? 'plain' : 'warn'],
    ['custody', event.amnesia ? `${event.backend}, nothing on disk` : event.backend],
    ...(event.verify_only === null ? [] : [['verify only', event.verify_only, 'warn'] as const]),
    ['operator', event.operator_cap ?? 'no capability was written: --operator-cap FILE'],
    ['configuration', event.config ?? 'no file: defaults and environment'],
  ];
  return [
    line('ron-kms is ready', 'good'),
    fields(rows),
    blank,
    line('In another terminal:'),
    list(event.next),
    line('Stop it with Ctrl-C, or `kill PID`: work in flight is finished first.'.replace('PID', String(event.pid))),
  ];
}
