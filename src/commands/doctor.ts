import { BaseCommand, type Input, type Outcome } from '../cli/base-command.ts';
import type { Runtime } from '../cli/runtime.ts';
import { doctor, doctorError } from '../operations/doctor.ts';
import { doctorView } from '../views/doctor.ts';

export default class Doctor extends BaseCommand {
  static override summary = 'check installation, cryptography, machine and home';
  static override description =
    'Runs the known-answer tests of both crypto providers, compares the installed files with the packed list, and looks at owner, modes and missing files of the home, its file system, free space, lock and clock. Opens no private key, writes nothing, asks nothing.';
  static override examples = ['<%= config.bin %> doctor', '<%= config.bin %> doctor --json'];

  override async perform(_input: Input<typeof Doctor>, runtime: Runtime): Promise<Outcome> {
    const data = await doctor(
      {
        packageRoot: runtime.packageRoot,
        runtimePath: process.execPath,
        runtimeVersion: process.versions.node,
        development: runtime.development,
        provider: runtime.providerName,
      },
      runtime.deps(),
    );
    return { data, text: () => doctorView(data), error: doctorError(data) };
  }
}
