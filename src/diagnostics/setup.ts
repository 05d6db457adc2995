import type { TwsProduct } from '../host/processRoles';
import { isLoopback, type Product, usualPort } from '../ibkr/endpoint';
import type { Setup } from './cause';
import type { ConnectionSituation } from './situation';

/**
 * What a remedy needs to know of the situation. The program that listens counts before one that
 * only runs, and both before the port, whose meaning is a convention. Of another machine nothing
 * is seen but the port.
 */
export function setupOf({ endpoint, os }: Pick<ConnectionSituation, 'endpoint' | 'os'>): Setup {
  const { port } = endpoint;
  const usual = usualPort(port)?.product;
  if (!isLoopback(endpoint.host)) {
    return { product: usual, port };
  }
  const listening = os.listeners.known ? os.listeners.value : [];
  const running = os.twsProcesses.known ? os.twsProcesses.value : [];
  const product = onlyProduct(listening) ?? onlyProduct(running) ?? usual;
  return { platform: os.platform, product, port };
}

/** The one program of IBKR among these; undefined where there is none, or both are. */
function onlyProduct(
  programs: readonly { readonly product: TwsProduct | undefined }[],
): Product | undefined {
  const found = new Set<Product>();
  for (const { product } of programs) {
    if (product === 'TWS' || product === 'IB Gateway') {
      found.add(product);
    }
  }
  const [first] = found;
  return found.size === 1 ? first : undefined;
}
