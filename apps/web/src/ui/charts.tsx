import { AreaChart, BarChart, LineChart, Sparkline as MantineSparkline } from '@mantine/charts';
import { Table, VisuallyHidden } from '@mantine/core';
import { type ReactNode, useRef, useState } from 'react';
import { ReferenceArea } from 'recharts';
import { formatCompact, formatNumber } from '../lib/format.ts';
import { useLanguage } from '../lib/i18n.ts';
import { timeWords } from './chart-times.ts';

interface Series {
  name: string;
  label: string;
  color: string;
}

interface Point {
  /** The start of the bucket, in ISO 8601. */
  at: string;
  [series: string]: number | string | null;
}

interface ChartProps {
  /** The content of the chart, for people who cannot see it. */
  label: string;
  points: readonly Point[];
  series: readonly Series[];
  height?: number;
  format?: (value: number) => string;
  /** Horizontal lines, such as an objective. */
  lines?: readonly { y: number; label: string; color: string }[];
  /** Stacks the series on top of each other. */
  stacked?: boolean;
  /** Called when a bar is pressed or several are drawn over, with the times of the first and the last. For pointers only. */
  onNarrow?: (first: string, last: string) => void;
}

/** Figures over time as an area, line or bar chart, with the same figures as a table for screen readers. */
export function TimeChart({
  kind = 'line',
  label,
  points,
  series,
  height = 220,
  format,
  lines = [],
  stacked = false,
  onNarrow,
}: ChartProps & { kind?: 'line' | 'bar' | 'area' }) {
  const language = useLanguage();
  const show = format ?? ((value: number) => formatNumber(value, language));
  const showOnAxis = format ?? ((value: number) => formatCompact(value, language));
  const { onAxis, exactly } = timeWords(
    points.map((point) => Date.parse(point.at)),
    language,
  );
  const highest = Math.max(...points.flatMap((point) => series.map(({ name }) => Number(point[name] ?? 0))));
  const props = {
    h: height,
    data: [...points],
    // Not the formatted time: two points may have the same text, by the minute or in the hour that occurs twice in autumn.
    dataKey: 'at',
    series: [...series],
    valueFormatter: show,
    withLegend: series.length > 1,
    // In the order of the series instead of the alphabet.
    legendProps: { verticalAlign: 'bottom' as const, itemSorter: null },
    // A line has no height, so a label "inside top" is drawn below it. A label above the topmost line would overlap the heading.
    referenceLines: lines.map((line) => ({
      ...line,
      ifOverflow: 'extendDomain' as const,
      labelPosition: highest > 2 * line.y ? ('insideBottomLeft' as const) : ('insideTopLeft' as const),
    })),
    xAxisProps: { tickFormatter: onAxis, minTickGap: 32 },
    // Recharts also asks for the label while the pointer is over no point.
    tooltipProps: { labelFormatter: (at: ReactNode) => (typeof at === 'string' && at !== '' ? exactly(at) : '') },
    // Shows all five ticks: Recharts would drop the topmost to make room for the edge, and its neighbour with it.
    yAxisProps: { width: 64, tickFormatter: showOnAxis, interval: 0 as const },
    strokeDasharray: '3 3',
    gridAxis: 'x' as const,
  };
  // The drawing is hidden from screen readers, which have the table, so nothing in it may take the keyboard focus.
  const silent = { accessibilityLayer: false };
  const brush = useBrush(points, onNarrow);
  return (
    <figure aria-label={label} style={{ margin: 0 }}>
      <div aria-hidden="true">
        {kind === 'bar' ? (
          <BarChart {...props} {...brush.style} barChartProps={{ ...silent, ...brush.handlers }} type={stacked ? 'stacked' : 'default'}>
            {brush.area}
          </BarChart>
        ) : kind === 'area' ? (
          <AreaChart
            {...props}
            areaChartProps={silent}
            type={stacked ? 'stacked' : 'default'}
            withDots={false}
            curveType="monotone"
            connectNulls={false}
          />
        ) : (
          <LineChart
            {...props}
            lineChartProps={silent}
            withDots={points.filter((point) => series.some((one) => point[one.name] !== null)).length < 30}
            curveType="monotone"
            connectNulls={false}
            strokeWidth={2}
          />
        )}
      </div>
      <VisuallyHidden>
        <Table>
          <caption>{label}</caption>
          <thead>
            <tr>
              <th scope="col">–</th>
              {series.map((one) => (
                <th key={one.name} scope="col">
                  {one.label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {points.slice(-60).map((point) => (
              <tr key={point.at}>
                <th scope="row">{exactly(point.at)}</th>
                {series.map((one) => {
                  const value = point[one.name];
                  return <td key={one.name}>{typeof value === 'number' ? show(value) : '–'}</td>;
                })}
              </tr>
            ))}
          </tbody>
        </Table>
      </VisuallyHidden>
    </figure>
  );
}

type PointerState = { activeTooltipIndex?: unknown };

/** Drawing over bars: the indices of the points where the drag started and where the pointer is now. */
function useBrush(data: readonly Point[], onNarrow: ((first: string, last: string) => void) | undefined) {
  const [drawn, setDrawn] = useState<readonly [from: number, to: number]>();
  // The chart reports events late: a press and its release may both arrive before the next rendering.
  const begun = useRef<number>(undefined);
  if (!onNarrow) return { style: {}, handlers: {}, area: null };
  const indexOf = ({ activeTooltipIndex: at }: PointerState) => (at === undefined || at === null ? undefined : Number(at));
  const end = () => {
    begun.current = undefined;
    setDrawn(undefined);
  };
  const [first, last] = drawn ? [data[Math.min(...drawn)], data[Math.max(...drawn)]] : [];
  return {
    style: { style: { cursor: 'pointer', userSelect: 'none' } as const },
    handlers: {
      onMouseDown: (state: PointerState) => {
        begun.current = indexOf(state);
      },
      onMouseMove: (state: PointerState) => {
        const at = indexOf(state);
        if (begun.current !== undefined && at !== undefined) setDrawn([begun.current, at]);
      },
      onMouseUp: (state: PointerState) => {
        const to = indexOf(state);
        const from = begun.current ?? to;
        end();
        if (from === undefined || to === undefined) return;
        const [low, high] = [data[Math.min(from, to)], data[Math.max(from, to)]];
        if (low && high) onNarrow(low.at, high.at);
      },
      onMouseLeave: end,
    },
    area: first && last && <ReferenceArea x1={first.at} x2={last.at} fill="var(--mantine-primary-color-filled)" fillOpacity={0.2} />,
  };
}

/** A chart of the size of a word. `label` says what it shows. */
export function Sparkline({
  values,
  label,
  color = 'cyan.6',
  width = 96,
  height = 24,
}: {
  values: readonly number[];
  label: string;
  color?: string;
  width?: number;
  height?: number;
}) {
  return (
    <div role="img" aria-label={label}>
      <MantineSparkline w={width} h={height} data={[...values]} color={color} fillOpacity={0.25} strokeWidth={1.5} curveType="linear" />
    </div>
  );
}
