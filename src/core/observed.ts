/**
 * The outcome of a look at the machine. A look that failed is *unknown* and says
 * why; it is never turned into "nothing there" (law 4).
 */
export type Observed<T> =
  { readonly known: true; readonly value: T } | { readonly known: false; readonly why: string };

/** A look that succeeded. */
export function known<T>(value: T): Observed<T> {
  return { known: true, value };
}

/** A look that could not be made, with the reason in words. */
export function unknown(why: string): { readonly known: false; readonly why: string } {
  return { known: false, why };
}
