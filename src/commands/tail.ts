import { Flags } from '@oclif/core';
import { fromTime } from '../bytes/time.ts';
import { BaseCommand, type Input, type Outcome } from '../cli/base-command.ts';
import { durationFlag } from '../cli/flags/duration.ts';
import { onlineFlags } from '../cli/flags/shared.ts';
import { sinceTime } from '../cli/flags/since.ts';
import type { Runtime } from '../cli/runtime.ts';
import { tail } from '../operations/tail.ts';
import { tailView } from '../views/tail.ts';

export default class Tail extends BaseCommand {
  static override summary = 'show events of the service as they happen';
  static override description =
    `Online: the events of the server from a time on, then live, until Ctrl-C or until the server ends. Offline: the same topics told from the audit log and the ledger of this home, oldest first; then it ends.

An event is a notice, not evidence. A lagged event stands where this reader was too slow. --topic kms means everything below kms.`;
  static override examples = [
    '<%= config.bin %> tail --topic kms --since 10m',
    '<%= config.bin %> tail --kms local --topic governance --json',
  ];
  static override flags = {
    topic: Flags.string({ summary: 'only this topic and what is below it', helpValue: 'TOPIC' }),
    since: Flags.string({ summary: 'from then on: a duration back, or a time', helpValue: 'TIME' }),
    count: Flags.integer({ summary: 'end after so many events', helpValue: 'N', min: 1 }),
    duration: durationFlag({ flag: '--duration', summary: 'end after this time' }),
    ...onlineFlags,
  };

  override async perform({ flags }: Input<typeof Tail>, runtime: Runtime): Promise<Outcome> {
    const { clock } = runtime.host;
    const stop = new AbortController();
    const done = new AbortController();
    if (flags.duration !== undefined) {
      clock.sleep(flags.duration, done.signal).then(
        () => stop.abort(),
        () => undefined,
      );
    }
    const request = {
      topic: flags.topic ?? null,
      sinceMs: flags.since === undefined ? null : fromTime(sinceTime(flags.since, clock.now())),
      limit: flags.count ?? null,
      signal: stop.signal,
    };
    try {
      for await (const event of tail(request, runtime.deps())) await runtime.emit(event, () => tailView(event));
    } finally {
      done.abort();
    }
    return { data: undefined, text: () => [], streamed: true };
  }
}
