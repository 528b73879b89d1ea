import { LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { Chart } from './bench.ts';

use([LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

const WIDTH = 720;
const HEIGHT = 360;

/** Renders a chart as SVG; the same points give the same text. */
export function renderChart({ title, xLabel, yLabel, series }: Chart): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#ffffff',
      title: { text: title, left: 'center', textStyle: { fontSize: 15 } },
      legend: { bottom: 4, show: series.length > 1 },
      grid: { left: 70, right: 30, top: 50, bottom: 75 },
      xAxis: { type: 'value', name: xLabel, nameLocation: 'middle', nameGap: 28 },
      yAxis: { type: 'value', name: yLabel, nameLocation: 'middle', nameGap: 48, min: 0 },
      series: series.map(({ name, points }) => ({
        name,
        type: 'line',
        symbolSize: 7,
        data: points.map(({ x, y }) => [x, y]),
      })),
    });
    return withOwnNames(chart.renderToSVGString());
  } finally {
    chart.dispose();
  }
}

/** The renderer numbers its charts in element names; replace the number, so that each file is reproducible. */
function withOwnNames(svg: string): string {
  const names = new Map<string, string>();
  return `${svg.replaceAll(/zr\d+-[a-z]+-?\d+/g, (name) => {
    const known = names.get(name) ?? `zr-${names.size}`;
    names.set(name, known);
    return known;
  })}\n`;
}
