// What a function makes in the file system is for its owner alone: sockets have no mode of their own when they are bound.

/** Synchronous only: the mask belongs to the whole process. */
export function privately(make: () => void): void {
  const before = process.umask(0o177);
  try {
    make();
  } finally {
    process.umask(before);
  }
}
