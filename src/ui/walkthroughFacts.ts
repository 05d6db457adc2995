import { type Layer, layers } from '../diagnostics/finding';
import type { PreflightReport } from '../preflight/report';
import { walkthroughKeys } from './ids';
import { ownRunner, type StatusModel } from './statusBarView';

/** What has been seen to work in this window: the steps of the walkthrough. */
export type WalkthroughFact = keyof typeof walkthroughKeys;

const factLayers = { port: 'port', ready: 'ready', data: 'data' } as const satisfies Partial<
  Record<WalkthroughFact, Layer>
>;

type LayerFact = keyof typeof factLayers;

/** The facts that a test has proved: its layers that passed, not those that only warned. */
export function factsOfReport({ layers: results }: PreflightReport): readonly WalkthroughFact[] {
  const passed = new Set(
    results.filter(({ status }) => status === 'pass').map(({ layer }) => layer),
  );
  return keysOf(factLayers).filter((fact) => passed.has(factLayers[fact]));
}

/** The facts that the monitor tells: what it has reached, and a runner that works. */
export function factsOfState(model: StatusModel): readonly WalkthroughFact[] {
  if (model.state.kind !== 'watching') {
    return [];
  }
  const { layer } = model.state.status;
  const reached = layer === null ? -1 : layers.indexOf(layer);
  return [
    'watched',
    ...keysOf(factLayers).filter((fact) => reached >= layers.indexOf(factLayers[fact])),
    ...(ownRunner(model)?.work === 'working' ? (['runnerWorked'] as const) : []),
  ];
}

function keysOf(object: typeof factLayers): readonly LayerFact[] {
  return Object.keys(object) as LayerFact[];
}

/**
 * Tells the editor each fact once, for good: a step of the walkthrough stays done, and is no
 * status.
 */
export class WalkthroughFacts {
  private readonly known = new Set<WalkthroughFact>();

  constructor(private readonly setContext: (key: string, value: boolean) => void) {}

  note(facts: readonly WalkthroughFact[]): void {
    for (const fact of facts) {
      if (!this.known.has(fact)) {
        this.known.add(fact);
        this.setContext(walkthroughKeys[fact], true);
      }
    }
  }
}
