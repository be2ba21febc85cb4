// Log lines of a server on standard error: those of one turn of the event loop go out in one write, because a write for each
// request costs as much as the request. Nothing is lost at an ordinary end or after an exception.

const FLUSH_BYTES = 64 * 1024;

export interface LineWriter {
  /** Without LF. */
  write(line: string): void;
  flush(): void;
}

export function lineWriter(sink: (text: string) => void): LineWriter {
  let lines: string[] = [];
  let length = 0;
  let planned = false;
  const flush = (): void => {
    planned = false;
    if (lines.length === 0) return;
    const text = `${lines.join('\n')}\n`;
    lines = [];
    length = 0;
    sink(text);
  };
  return {
    write(line) {
      lines.push(line);
      length += line.length;
      if (length >= FLUSH_BYTES) flush();
      else if (!planned) {
        planned = true;
        setImmediate(flush);
      }
    },
    flush,
  };
}
