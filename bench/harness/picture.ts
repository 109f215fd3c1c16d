// One picture of all rows: how far each is from its goal, median and range, on a logarithmic scale.
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { Outcome } from "./rounds.ts";

type Point = { row: string; reached: number; low: number; high: number; met: string; label: string };

/** A row's place: 1 is the goal, more is better. The range is that of ours against the rival's median. */
function point(one: Outcome): Point | null {
  if (one.reached === null || one.ours === null) return null;
  const { median, min, max } = one.ours;
  const isLessBetter = one.goal.startsWith("≤");
  const [worst, best] = isLessBetter ? [max, min] : [min, max];
  const scaled = (value: number): number => (isLessBetter ? median / value : value / median) * one.reached!;
  const value = one.ratio === null ? `${Number(median.toPrecision(3))} ${one.unit}` : `${one.ratio.toFixed(2)} ×`;
  return {
    row: one.row,
    reached: one.reached,
    low: scaled(worst),
    high: scaled(best),
    met: one.isMet ? "met" : "missed",
    label: `${value.trim()} (goal ${one.goal})`,
  };
}

/** The picture as SVG. @param title - above it */
export async function picture(rows: Outcome[], title: string): Promise<string> {
  const values = rows.map(point).filter((one) => one !== null);
  const y = { field: "row", type: "nominal", title: null, sort: null, axis: { labelLimit: 420 } } as const;
  const scale = { type: "log", nice: true } as const;
  const x = {
    field: "reached",
    type: "quantitative",
    title: "of the goal (1: reached; more is better)",
    scale,
  } as const;
  const color = { field: "met", type: "nominal", title: null, scale: COLOURS } as const;
  const spec: TopLevelSpec = {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    title: { text: title, fontSize: 11, anchor: "start" },
    data: { values },
    width: 460,
    height: { step: 24 },
    layer: [
      {
        mark: { type: "rule", strokeDash: [4, 3], color: "#666" },
        encoding: { x: { datum: 1, type: "quantitative" } },
      },
      {
        mark: { type: "rule", strokeWidth: 3, opacity: 0.5 },
        encoding: { y, x: { ...x, field: "low" }, x2: { field: "high" }, color },
      },
      { mark: { type: "point", filled: true, size: 60 }, encoding: { y, x, color } },
      {
        mark: { type: "text", align: "left", dx: 6, dy: -8, fontSize: 9 },
        encoding: { y, x, text: { field: "label" } },
      },
    ],
  };
  return `${await new View(parse(compile(spec).spec), { renderer: "none" }).toSVG()}\n`;
}

const COLOURS = { domain: ["met", "missed"], range: ["#2a7d4f", "#c0392b"] };
