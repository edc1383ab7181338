// Draws <figure class="chart" data-chart="lines" data-source="id of the JSON"> with ECharts; without it the table shows.
(() => {
  const root = document.documentElement;
  const isStill = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const language = root.lang || "de";
  const whole = new Intl.NumberFormat(language);
  const color = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const palette = () => ["--chart-1", "--chart-2", "--chart-3", "--chart-4"].map(color);

  const basics = () => ({
    animation: !isStill && !navigator.webdriver,
    color: palette(),
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: color("--ink-soft") },
    aria: { enabled: false }, // The figure carries a sentence of its own.
    tooltip: {
      trigger: "axis",
      confine: true,
      backgroundColor: color("--surface"),
      borderColor: color("--line"),
      textStyle: { color: color("--ink") },
      valueFormatter: (value) => whole.format(value),
    },
  });

  const axes = (labels) => ({
    // On phones the legend needs a second line; one that pages hides what it names.
    grid: { left: 8, right: 12, top: window.innerWidth < 600 ? 60 : 36, bottom: 4, containLabel: true },
    legend: { top: 0, left: 0, icon: "roundRect", itemGap: 18, itemWidth: 14, itemHeight: 4, textStyle: { color: color("--ink-soft") } },
    xAxis: {
      type: "category",
      data: labels,
      boundaryGap: labels.length < 3,
      axisLine: { lineStyle: { color: color("--line") } },
      axisTick: { show: false },
      axisLabel: { color: color("--ink-soft"), hideOverlap: true },
    },
    yAxis: {
      type: "value",
      minInterval: 1,
      splitLine: { lineStyle: { color: color("--line") } },
      axisLabel: { color: color("--ink-soft"), formatter: (value) => whole.format(value) },
    },
  });

  const kinds = {
    // {labels: [...], series: [{name, values: [...]}]}
    lines: ({ labels, series }) => ({
      ...basics(),
      ...axes(labels),
      series: series.map(({ name, values }, index) => ({
        name,
        type: "line",
        data: values,
        showSymbol: labels.length < 3,
        symbolSize: 8,
        lineStyle: { width: 2, type: ["solid", "dashed", "dotted", "solid"][index % 4] },
        areaStyle: index === 0 ? { opacity: 0.08 } : undefined,
      })),
    }),
    bars: ({ labels, series }) => ({
      ...basics(),
      ...axes(labels),
      series: series.map(({ name, values }) => ({ name, type: "bar", data: values, barMaxWidth: 28 })),
    }),
  };

  function draw(figure) {
    const canvas = figure.querySelector(".chart-canvas");
    const source = document.getElementById(figure.dataset.source);
    const kind = kinds[figure.dataset.chart];
    if (!window.echarts || !source || !kind) {
      figure.querySelector(".chart-table").open = true;
      canvas.hidden = true;
      return;
    }
    const drawn = window.echarts.getInstanceByDom(canvas) || window.echarts.init(canvas, null, { renderer: "svg" });
    drawn.setOption(kind(JSON.parse(source.textContent)), true);
    drawn.resize();
  }

  // A figure that was swapped out takes its chart along.
  document.addEventListener("htmx:beforeCleanupElement", ({ target }) => {
    if (target.matches?.(".chart-canvas")) window.echarts?.getInstanceByDom(target)?.dispose();
  });
  const drawAll = () => document.querySelectorAll("figure[data-chart]").forEach(draw);
  document.addEventListener("DOMContentLoaded", drawAll);
  document.addEventListener("htmx:afterSettle", drawAll);
  root.addEventListener("themechange", drawAll);
  window.addEventListener("resize", drawAll);
})();
