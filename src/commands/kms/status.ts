import { Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { onlineFlags } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { RonError } from '../../errors.ts';
import { kmsStatus } from '../../operations/kms/status.ts';
import { kmsStatusView } from '../../views/kms/status.ts';

export default class KmsStatus extends BaseCommand {
  static override summary = 'show how the server is, or what lies in this home';
  static override description =
    `Online: readiness and what is missing or degraded, and, with a capability for kms:read, backend, mode, checkpoint, queue and capabilities. It is what the server says of itself; audit verify judges. Offline: the store of this home, without a passphrase.

With --ready: 0 when the server is ready, 5 when it is not, 20 when it cannot be reached.`;
  static override examples = [
    '<%= config.bin %> kms status --kms local',
    '<%= config.bin %> kms status --kms local --ready && echo ready',
  ];
  static override flags = {
    ready: Flags.boolean({ summary: 'exit 5 when the server is not ready' }),
    ...onlineFlags,
  };

  override async perform({ flags }: Input<typeof KmsStatus>, runtime: Runtime): Promise<Outcome> {
    if (flags.ready && runtime.online === null) {
      throw new RonError('Usage', '--ready asks a server, and none is named', {
        field: '--ready',
        hint: 'Name it: --kms local',
      });
    }
    const data = await kmsStatus(runtime.deps());
    const { server } = data;
    const error =
      flags.ready && server?.ready === false
        ? new RonError('PredicateFalse', `${server.name} is not ready: ${server.missing.join(', ')}`)
        : undefined;
    return { data, text: () => kmsStatusView(data), error };
  }
}
