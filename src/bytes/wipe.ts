// Best effort: fills buffers with zero. Copies made by the garbage collector or by native code are out of reach (manual).

export function wipe(...buffers: (Uint8Array | null | undefined)[]): void {
  for (const buffer of buffers) buffer?.fill(0);
}
