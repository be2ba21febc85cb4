// Columns that a text takes on a terminal. string-width is loaded only when a text leaves ASCII.

export type Width = (text: string) => number;

const ASCII = /^[\x20-\x7e]*$/;

const byLength: Width = (text) => text.length;

/** A width function that is right for all of `texts`. */
export async function widthFor(texts: Iterable<string>): Promise<Width> {
  for (const text of texts) {
    if (!ASCII.test(text)) return (await import('string-width')).default;
  }
  return byLength;
}
