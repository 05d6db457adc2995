import {
  createChart,
  createSeriesMarkers,
  HistogramSeries,
  type IChartApi,
  type ISeriesApi,
  type ISeriesMarkersPluginApi,
  LastPriceAnimationMode,
  LineSeries,
  type SeriesMarker,
  type Time,
  type UTCTimestamp,
} from 'lightweight-charts';
import type { Sample } from '../diagnostics/dashboard';
import type { ChartColours } from './theme';
import type { Words } from './words';

export interface Mark {
  readonly atMs: number;
  readonly shape: 'arrowUp' | 'arrowDown' | 'circle' | 'square';
  readonly side: 'buy' | 'sell';
  readonly text: string;
}

export interface ChartOptions {
  readonly kind: 'line' | 'bars';
  readonly words: Words;
  /** A value as it stands at the axis. */
  readonly format: (value: number) => string;
  /** With it, slots without a value take their room, so that a gap is seen as one. Milliseconds. */
  readonly slotMs?: number;
}

type Point = { time: UTCTimestamp; value: number; color?: string } | { time: UTCTimestamp };

/** A time without values is drawn as a gap from so many slots on. */
const leastGapSlots = 5;

/** One series over time, drawn by the chart library; its table is beside it. */
export class Chart {
  private readonly chart: IChartApi;
  private readonly series: ISeriesApi<'Line'> | ISeriesApi<'Histogram'>;
  private readonly markers: ISeriesMarkersPluginApi<Time>;
  private shown: readonly Sample[] = [];
  private shownMarks = '';
  private marks: readonly Mark[] = [];

  constructor(
    element: HTMLElement,
    private colours: ChartColours,
    private readonly options: ChartOptions,
  ) {
    this.chart = createChart(element, {
      autoSize: true,
      layout: { attributionLogo: false },
      localization: {
        priceFormatter: options.format,
        timeFormatter: (time: Time) => options.words.moment(Number(time) * 1000),
      },
      // The page scrolls under the wheel, as everywhere else on it.
      handleScroll: { mouseWheel: false, vertTouchDrag: false },
      handleScale: { mouseWheel: false, axisDoubleClickReset: true },
      kineticScroll: { mouse: false, touch: false },
      timeScale: {
        timeVisible: true,
        secondsVisible: false,
        rightOffset: 2,
        minBarSpacing: 0.05,
        tickMarkFormatter: (time: Time) => options.words.minute(Number(time) * 1000),
      },
    });
    this.series =
      options.kind === 'line'
        ? this.chart.addSeries(LineSeries, {
            lineWidth: 2,
            lastPriceAnimation: LastPriceAnimationMode.Disabled,
          })
        : this.chart.addSeries(HistogramSeries, { priceLineVisible: false });
    this.markers = createSeriesMarkers(this.series, []);
    this.recolour(colours);
  }

  recolour(colours: ChartColours): void {
    this.colours = colours;
    const { text, grid, border, line, font } = colours;
    this.chart.applyOptions({
      layout: { background: { color: 'transparent' }, textColor: text, fontFamily: font },
      grid: { vertLines: { color: grid }, horzLines: { color: grid } },
      rightPriceScale: { borderColor: border },
      timeScale: { borderColor: border },
      crosshair: {
        vertLine: { color: border, labelBackgroundColor: border },
        horzLine: { color: border, labelBackgroundColor: border },
      },
    });
    this.series.applyOptions({ color: line });
    this.shownMarks = '';
    this.mark(this.marks);
  }

  /** Shows samples: what has only grown is added, so that nothing jumps. */
  show(samples: readonly Sample[]): void {
    const before = this.shown;
    this.shown = samples;
    const last = before.at(-1);
    const from = last === undefined ? -1 : samples.findIndex(([atMs]) => atMs === last[0]);
    if (from === -1 || samples[0]?.[0] !== before[0]?.[0]) {
      this.series.setData(this.points(samples));
      this.chart.timeScale().fitContent();
      return;
    }
    if (from === samples.length - 1 && samples[from]?.[1] === last?.[1]) {
      return;
    }
    this.points(samples.slice(from)).forEach((point) => {
      this.series.update(point);
    });
  }

  /** Puts marks at their times, or at the last value before. */
  mark(marks: readonly Mark[]): void {
    this.marks = marks;
    const { buy, sell } = this.colours;
    const placed = marks.flatMap((mark): SeriesMarker<Time>[] => {
      const sample = this.shown.findLast(([atMs]) => atMs <= mark.atMs);
      return sample === undefined
        ? []
        : [
            {
              time: seconds(sample[0]),
              position: mark.side === 'buy' ? 'belowBar' : 'aboveBar',
              shape: mark.shape,
              color: mark.side === 'buy' ? buy : sell,
              text: mark.text,
            },
          ];
    });
    const signature = JSON.stringify(placed);
    if (signature !== this.shownMarks) {
      this.shownMarks = signature;
      this.markers.setMarkers(placed);
    }
  }

  private points(samples: readonly Sample[]): Point[] {
    const { slotMs } = this.options;
    if (slotMs === undefined) {
      return samples.map(([atMs, value]) => ({ time: seconds(atMs), value }));
    }
    const gapMs = Math.max(leastGapSlots * slotMs, 3 * medianStep(this.shown));
    return samples.flatMap(([atMs, value], index): Point[] => {
      const stepMs = (samples[index + 1]?.[0] ?? atMs) - atMs;
      const slots = Array.from({ length: Math.max(0, Math.round(stepMs / slotMs) - 1) });
      return [
        // A line of this colour leads from here to the next value.
        { time: seconds(atMs), value, ...(stepMs > gapMs ? { color: 'transparent' } : {}) },
        ...slots.map((_, slot) => ({ time: seconds(atMs + (slot + 1) * slotMs) })),
      ];
    });
  }
}

/** The usual time between two samples, in milliseconds. */
function medianStep(samples: readonly Sample[]): number {
  const steps = samples.slice(1).map(([atMs], index) => atMs - (samples[index]?.[0] ?? atMs));
  return steps.sort((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0;
}

function seconds(atMs: number): UTCTimestamp {
  return Math.floor(atMs / 1000) as UTCTimestamp;
}
