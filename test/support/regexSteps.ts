import { type AST, RegExpParser } from '@eslint-community/regexpp';

type Node = AST.Element | AST.Alternative | AST.Pattern | AST.Group;
/** Called with the place behind what matched; false makes the matcher try the next way. */
type Next = (place: number) => boolean;

/** Thrown when a match costs more than it may. */
class TooMany extends Error {}

/**
 * Counts the steps of a backtracking matcher, which is what a JavaScript engine is at its worst:
 * one for each character, assertion and alternative that it looks at. Steps, unlike
 * milliseconds, are the same on every machine.
 */
export class StepCounter {
  private readonly pattern: AST.Pattern;
  private readonly flags: string;
  private readonly tests = new Map<Node, (character: string) => boolean>();
  private steps = 0;
  private limit = 0;
  private text = '';

  constructor(pattern: RegExp) {
    this.pattern = new RegExpParser().parsePattern(pattern.source, 0, pattern.source.length, {
      unicode: pattern.unicode,
    });
    this.flags = pattern.flags.replace(/[gy]/g, '');
  }

  /** Steps of a search through the whole text; stops counting at `limit`. */
  search(text: string, limit: number): number {
    this.steps = 0;
    this.limit = limit;
    this.text = text;
    try {
      for (let start = 0; start <= text.length; start += 1) {
        if (this.among(this.pattern.alternatives, start, () => true)) {
          break;
        }
      }
    } catch (error) {
      if (!(error instanceof TooMany)) {
        throw error;
      }
    }
    return this.steps;
  }

  /** Texts that are likely to make the matcher go back: what it repeats, again and again. */
  attacks(length: number): readonly string[] {
    const repeats: { readonly before: string; readonly element: AST.Element }[] = [];
    this.collect(this.pattern.alternatives, '', repeats);
    const samples = new Set<string>();
    for (const { before, element } of repeats) {
      for (const part of this.samplesOf(element)) {
        samples.add(before + repeated(part, length));
        samples.add(repeated(part, length));
      }
      // What stands before a repetition, again and again: where it begins is then open.
      if (before !== '') {
        samples.add(repeated(before, length));
      }
    }
    return [...samples].map((text) => `${text}\u0001`);
  }

  private spend(): void {
    this.steps += 1;
    if (this.steps >= this.limit) {
      throw new TooMany();
    }
  }

  private among(alternatives: readonly AST.Alternative[], place: number, next: Next): boolean {
    return alternatives.some(({ elements }) => this.sequence(elements, 0, place, next));
  }

  private sequence(
    elements: readonly AST.Element[],
    index: number,
    place: number,
    next: Next,
  ): boolean {
    const element = elements[index];
    return element === undefined
      ? next(place)
      : this.element(element, place, (after) => this.sequence(elements, index + 1, after, next));
  }

  private element(element: AST.Element, place: number, next: Next): boolean {
    switch (element.type) {
      case 'Quantifier':
        return isSingle(element.element)
          ? this.manyCharacters(element, place, next)
          : this.manyGroups(element, 0, place, next);
      case 'Group':
      case 'CapturingGroup':
        this.spend();
        return this.among(element.alternatives, place, next);
      case 'Assertion':
        this.spend();
        return this.holds(element, place) && next(place);
      case 'Backreference':
        // A quote that was opened; any one character costs as much.
        this.spend();
        return place < this.text.length && next(place + 1);
      default:
        this.spend();
        return this.fits(element, place) && next(place + 1);
    }
  }

  private manyCharacters(quantifier: AST.Quantifier, place: number, next: Next): boolean {
    const { min, max, greedy, element } = quantifier;
    if (!greedy) {
      for (let count = 0; count <= max; count += 1) {
        if (count >= min && next(place + count)) {
          return true;
        }
        this.spend();
        if (!this.fits(element, place + count)) {
          return false;
        }
      }
      return false;
    }
    let count = 0;
    while (count < max && this.fits(element, place + count)) {
      this.spend();
      count += 1;
    }
    for (; count >= min; count -= 1) {
      this.spend();
      if (next(place + count)) {
        return true;
      }
    }
    return false;
  }

  private manyGroups(quantifier: AST.Quantifier, done: number, place: number, next: Next): boolean {
    const { min, max, greedy, element } = quantifier;
    this.spend();
    const more = (): boolean =>
      done < Math.min(max, 200) &&
      this.element(
        element,
        place,
        (after) => after > place && this.manyGroups(quantifier, done + 1, after, next),
      );
    const enough = (): boolean => done >= min && next(place);
    return greedy ? more() || enough() : enough() || more();
  }

  private holds(assertion: AST.Assertion, place: number): boolean {
    const { text } = this;
    switch (assertion.kind) {
      case 'start':
        return place === 0 || (this.flags.includes('m') && text[place - 1] === '\n');
      case 'end':
        return place === text.length;
      case 'word':
        return (isWord(text[place - 1]) !== isWord(text[place])) !== assertion.negate;
      case 'lookahead':
        return this.among(assertion.alternatives, place, () => true) !== assertion.negate;
      case 'lookbehind':
        // Those of the tables look at a few characters; the longest is enough to count.
        return (
          [0, 1, 2, 3, 4].some((length) =>
            place < length
              ? false
              : this.among(assertion.alternatives, place - length, (after) => after === place),
          ) !== assertion.negate
        );
    }
  }

  /** Asks the engine itself what a class takes, one character at a time. */
  private fits(element: AST.Element, place: number): boolean {
    const character = this.text[place];
    return character !== undefined && this.testOf(element)(character);
  }

  private testOf(element: AST.Element): (character: string) => boolean {
    const known = this.tests.get(element);
    if (known !== undefined) {
      return known;
    }
    const raw = new RegExp(`^(?:${element.raw})$`, this.flags);
    const seen = new Map<string, boolean>();
    const test = (character: string): boolean => {
      const answer = seen.get(character) ?? raw.test(character);
      seen.set(character, answer);
      return answer;
    };
    this.tests.set(element, test);
    return test;
  }

  private collect(
    alternatives: readonly AST.Alternative[],
    before: string,
    into: { before: string; element: AST.Element }[],
  ): void {
    for (const { elements } of alternatives) {
      let prefix = before;
      for (const element of elements) {
        if (element.type === 'Quantifier') {
          if (element.max > 8) {
            into.push({ before: prefix, element: element.element });
          }
          if (isGroup(element.element)) {
            this.collect(element.element.alternatives, prefix, into);
          }
        } else if (isGroup(element)) {
          this.collect(element.alternatives, prefix, into);
        }
        prefix += this.shortest(element);
      }
    }
  }

  /** One character of each kind that an element takes, or its shortest text. */
  private samplesOf(element: AST.Element): readonly string[] {
    if (isGroup(element)) {
      const inside = element.alternatives.flatMap(({ elements }) => elements);
      const texts = [this.shortest(element), ...inside.flatMap((each) => this.samplesOf(each))];
      return texts.filter((text) => text !== '');
    }
    if (element.type === 'Quantifier') {
      return this.samplesOf(element.element);
    }
    if (!isSingle(element)) {
      return [];
    }
    const test = this.testOf(element);
    return ['a', 'A', '1', ' ', '.', ':', '-', '_', '"', "'", '/', ',', '=', '(', '\\', 'é'].filter(
      (character) => test(character),
    );
  }

  private shortest(node: Node): string {
    switch (node.type) {
      case 'Alternative':
        return node.elements.map((element) => this.shortest(element)).join('');
      case 'Group':
      case 'CapturingGroup': {
        const [first] = node.alternatives;
        return first === undefined ? '' : this.shortest(first);
      }
      case 'Quantifier':
        return this.shortest(node.element).repeat(Math.min(node.min, 50));
      case 'Character':
        return String.fromCodePoint(node.value);
      case 'CharacterClass':
      case 'CharacterSet':
        return this.samplesOf(node)[0] ?? '';
      default:
        return '';
    }
  }
}

function repeated(part: string, length: number): string {
  return part.repeat(Math.ceil(length / part.length)).slice(0, length);
}

function isGroup(element: AST.Element): element is AST.Group | AST.CapturingGroup {
  return element.type === 'Group' || element.type === 'CapturingGroup';
}

function isSingle(element: AST.Element): boolean {
  return ['Character', 'CharacterClass', 'CharacterSet'].includes(element.type);
}

function isWord(character: string | undefined): boolean {
  return character !== undefined && /\w/.test(character);
}
