/** What is used of it; TypeScript knows it only as a browser's. */
export interface Validating {
  validate: (code: Uint8Array) => boolean;
}

export const { WebAssembly: webAssembly } = globalThis as unknown as { WebAssembly: Validating };

/** Does some work as on a processor that cannot look at sixteen bytes at once. */
export function byEightBytes<Result>(work: () => Result): Result {
  const { validate } = webAssembly;
  webAssembly.validate = () => false;
  try {
    return work();
  } finally {
    webAssembly.validate = validate;
  }
}
