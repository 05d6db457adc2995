/** What `vscode.l10n` is in a window: English sentences in, sentences of the reader's language out. */
export interface L10n {
  t(message: string, ...args: readonly (string | number)[]): string;
}

/** The strings of a language by their English ones. Names are foreign: a map has no others. */
export type Translations = ReadonlyMap<string, string>;

/** Reads the translations that came with the page. */
export function translationsOf(json: string): Translations {
  return new Map(Object.entries(JSON.parse(json) as Record<string, string>));
}

/** Says in another language what that language has a string for, and the rest in English. */
export function translator(translations: Translations): L10n {
  return {
    t: (message, ...args) =>
      (translations.get(message) ?? message).replace(/\{(\d+)\}/g, (place, at: string) =>
        String(args[Number(at)] ?? place),
      ),
  };
}

/**
 * The language in which times and numbers are written: that of the words, as it is written where
 * the reader lives.
 * @param language of the words, BCP 47
 * @param readers languages, best first
 */
export function regional(language: string, readers: readonly string[]): string {
  const [wanted = 'en'] = canonical(language);
  const own = readers
    .flatMap(canonical)
    .find((each) => each === wanted || each.startsWith(`${wanted}-`));
  return own ?? wanted;
}

function canonical(language: string): readonly string[] {
  try {
    return Intl.getCanonicalLocales(language);
  } catch {
    // No language at all, as an editor or a browser may call one.
    return [];
  }
}
