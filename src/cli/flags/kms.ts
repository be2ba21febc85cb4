// Flags and arguments of the kms commands.

import { Args, Flags } from '@oclif/core';

export const kidArg = Args.string({
  name: 'KID',
  description: 'key id <tenant>/<purpose>/<alg>/<uuid>, with or without #v<N>',
  required: true,
});

export const opIdFlag = Flags.string({
  summary: 'name this request; the same id and request again gives the recorded result',
  helpValue: 'UUID',
});

export const payloadFlags = {
  file: Flags.string({ summary: 'payload, hashed here; - is standard input', helpValue: 'FILE', exclusive: ['b3'] }),
  b3: Flags.string({ summary: 'BLAKE3 digest of the payload instead of --file (64 hex)', helpValue: 'HEX' }),
};
