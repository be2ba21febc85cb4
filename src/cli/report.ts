// Prints results and errors: data on stdout, everything else on stderr (cli rule 1).

import type { ClientConfig } from '../config/client-config.ts';
import type { RonError } from '../errors.ts';
import type { Host } from '../host.ts';
import { printText } from '../ui/print.ts';
import { type Format, printJson, printYaml } from '../ui/structured.ts';
import type { TextModel } from '../ui/text-model.ts';
import { colourPaint, noPaint, type Paint, wantsColour } from '../ui/theme.ts';
import { errorView } from '../views/error.ts';
import { type Envelope, envelope } from './json-error.ts';

export interface ReportOptions {
  readonly format: Format;
  readonly noColor: boolean;
  readonly config?: ClientConfig;
  /** Whether a server does it; offline until the command line is read. */
  readonly mode?: Envelope['mode'];
}

export interface Reporter {
  readonly format: Format;
  /** A result, an error, or both (a negative verdict). */
  result(
    schema: string,
    data: unknown,
    text: (() => TextModel) | undefined,
    error: RonError | undefined,
  ): Promise<void>;
}

export function reporter(host: Host, { format, noColor, config, mode = 'offline' }: ReportOptions): Reporter {
  const paintFor = async (tty: boolean): Promise<Paint> =>
    wantsColour({ tty, noColorFlag: noColor, configured: config?.output.color, variable: (name) => host.env.get(name) })
      ? colourPaint()
      : noPaint;
  return {
    format,
    async result(schema, data, text, error) {
      if (format !== 'table') {
        const value = envelope(schema, data, error, mode);
        try {
          host.terminal.writeStdout(format === 'json' ? printJson(value) : await printYaml(value));
          return;
        } catch (thrown) {
          // A full disk under stdout cannot take the error either: it is said in words on stderr.
          if (error === undefined) throw thrown;
        }
      }
      if (text !== undefined && format === 'table') {
        const printed = await printText(text(), await paintFor(host.terminal.stdoutIsTty));
        if (printed !== '') host.terminal.writeStdout(printed);
      }
      if (error !== undefined) {
        host.terminal.writeStderr(await printText(errorView(error), await paintFor(host.terminal.stderrIsTty)));
      }
    },
  };
}
