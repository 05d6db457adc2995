import type { Product } from '../ibkr/endpoint';
import { catalogue } from './catalogue';
import type { Setup, Step, System } from './cause';
import type { CauseId } from './causeIds';

const systems: Readonly<Partial<Record<NodeJS.Platform, System>>> = {
  darwin: 'macOS',
  win32: 'Windows',
  linux: 'Linux',
};

/**
 * The steps against a cause as sentences, for the system and the program where they are known;
 * where they are not, a step names all variants.
 */
export function remedyFor(id: CauseId, setup: Setup = {}): readonly string[] {
  return catalogue[id].remedy.map((step) => stepText(step, setup));
}

/** One step as one readable sentence or two. */
export function stepText(step: Step, setup: Setup): string {
  const { text, byProduct, bySystem } =
    typeof step === 'string' ? { text: step, byProduct: undefined, bySystem: undefined } : step;
  const general = byProduct === undefined ? text : withProduct(text, byProduct, setup.product);
  const whole = bySystem === undefined ? general : `${general} ${forSystem(bySystem, setup)}.`;
  return whole.replaceAll('{port}', setup.port === undefined ? 'PORT' : String(setup.port));
}

function withProduct(
  text: string,
  variants: Readonly<Record<Product, string>>,
  product: Product | undefined,
): string {
  const { TWS: tws, 'IB Gateway': gateway } = variants;
  if (text === '{}') {
    return product === undefined ? `TWS: ${tws} IB Gateway: ${gateway}` : variants[product];
  }
  const named =
    product === undefined
      ? `${tws} (TWS) or ${gateway} (IB Gateway)`
      : `${variants[product]} (${product})`;
  return text.replaceAll('{}', named);
}

function forSystem(variants: Readonly<Record<System, string>>, { platform }: Setup): string {
  const system = platform === undefined ? undefined : systems[platform];
  return system === undefined
    ? systemVariants(variants)
        .map(({ names, text }) => `${text} (${names})`)
        .join('; ')
    : variants[system];
}

/** The variants by system, those that read the same once: `macOS, Linux`. */
export function systemVariants(
  variants: Readonly<Record<System, string>>,
): readonly { readonly names: string; readonly text: string }[] {
  const order: readonly System[] = ['macOS', 'Windows', 'Linux'];
  const texts = new Set(order.map((system) => variants[system]));
  return [...texts].map((text) => ({
    names: order.filter((system) => variants[system] === text).join(', '),
    text,
  }));
}
